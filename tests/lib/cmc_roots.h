/* SPDX-License-Identifier: Apache-2.0 */
/* tests/lib/cmc_roots.h -- the two roots of the reports in tests/fuzz/corpus/fuzz_cmc_verify, and
 * the time at which their certificates are valid. */
#ifndef TESTS_LIB_CMC_ROOTS_H
#define TESTS_LIB_CMC_ROOTS_H

enum { CMC_ROOTS_NOW = 1800000000, CMC_ROOTS_NONCE = 16, CMC_ROOTS_NONCE_BYTE = 0x42 };

static const char metadata_root[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBPzCB5aADAgECAgID6TAKBggqhkjOPQQDAjAWMRQwEgYDVQQDDAttZXRhZGF0\n"
    "YSBDQTAeFw0yNzAxMTQwODAwMDBaFw0yNzAxMTYwODAwMDBaMBYxFDASBgNVBAMM\n"
    "C21ldGFkYXRhIENBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi8oJMQejEzW9\n"
    "lB4OP7GPc1TIkkgCKAwqLbxgnRFfcBJRrvocwAgP73VNyrTEnjEPzrnjSD3EFCkh\n"
    "tyQYx8vULaMjMCEwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYI\n"
    "KoZIzj0EAwIDSQAwRgIhAJmCLqqitFfCKtijsSbbBHa6CJOcQAsC+JRC/6L6LMgF\n"
    "AiEAzU785Jg5Kik0rHoNGbNAhcdnpnS1tmLb0MM6teO5y18=\n"
    "-----END CERTIFICATE-----\n";
static const char ak_root[] = "-----BEGIN CERTIFICATE-----\n"
                              "MIIBMzCB2aADAgECAgID6jAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVBSyBDQTAe\n"
                              "Fw0yNzAxMTQwODAwMDBaFw0yNzAxMTYwODAwMDBaMBAxDjAMBgNVBAMMBUFLIENB\n"
                              "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEy199q14Gb1NLTABrBQJVzCkcK5BW\n"
                              "aX/7hH5fCXt+j/HX1GUjvZUC+RpgxIRWO0MI7YWt5I4wHby43l1gXN259KMjMCEw\n"
                              "DwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwCgYIKoZIzj0EAwIDSQAw\n"
                              "RgIhANm4LIKm9mES6UryHItdarwEiOINGWuDAjXkErCz1SqyAiEAyETaYAPDYyIT\n"
                              "zgdkrgcSWQOGpo9HN3t/pb8f6kVGYrI=\n"
                              "-----END CERTIFICATE-----\n";
#endif
