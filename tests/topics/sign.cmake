pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3.0)
add_library(cmc_test_pki STATIC lib/pki.c)
target_link_libraries(cmc_test_pki PUBLIC cmc_options PkgConfig::CRYPTO)
foreach(part alg cose jws key ossl sign trust)
  cmc_unit(attest/meta/${part} LIBS cmc_sign cmc_test_pki)
endforeach()
cmc_unit(attest/meta/sign_vectors LIBS cmc_sign)
cmc_unit(attest/meta/failing_libcrypto LIBS cmc_sign cmc_test_pki
  WRAP EVP_DigestVerifyInit EVP_DigestSignInit EVP_PKEY_CTX_set_rsa_padding
    EVP_PKEY_CTX_set_rsa_pss_saltlen BN_bn2binpad OBJ_obj2txt i2d_PUBKEY OPENSSL_sk_push
    d2i_ECDSA_SIG CRYPTO_zalloc X509_STORE_CTX_get_current_cert X509_STORE_CTX_get_error
    meta_cose_put)
cmc_unit(tools/cmc_signing_tool LIBS cmc_signing_tool cmc_test_pki)
cmc_fuzz(fuzz_cose cmc_sign)
cmc_fuzz(fuzz_jws cmc_sign)
add_test(NAME oracle/signatures COMMAND Python3::Interpreter
  ${CMAKE_CURRENT_SOURCE_DIR}/oracle/signatures_compare.py $<TARGET_FILE:cmc-signing-tool>)
set_tests_properties(oracle/signatures PROPERTIES LABELS oracle TIMEOUT 120)
