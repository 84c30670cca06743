/* SPDX-License-Identifier: Apache-2.0 */
/* tests/fuzz/fuzz_jws.c -- any bytes as a JWS: see tests/lib/fuzz_signed.h. */
#include "tests/lib/fuzz_signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_round_trip(data, size);
    fuzz_verify(data, size, fuzz_json, strlen(fuzz_json));
    return 0;
}
