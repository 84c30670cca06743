# metadata of a report, ociRules, reports of CMC 3.3.0, AttestationResult
cmc_unit(attest/verify/rules LIBS cmc_verify)
cmc_fuzz(fuzz_rules cmc_verify)
cmc_fuzz(fuzz_cmc_verify cmc_verify)

add_library(cmc_test_meta STATIC lib/cmc_bed.c lib/meta_bed.c)
target_link_libraries(cmc_test_meta PUBLIC cmc_verify cmc_test_pki PRIVATE PkgConfig::CMOCKA)
foreach(part attestation_result cmc cmc_appraise cmc_nearest cmc_truncated metadata)
  cmc_unit(attest/verify/${part} LIBS cmc_test_meta)
endforeach()
foreach(part cmc_replay cmc_software)
  cmc_unit(attest/verify/${part} LIBS cmc_test_meta WRAP cmc_hash2)
endforeach()
cmc_unit(attest/verify/cmc_vectors LIBS cmc_test_meta cmc_test_vectors)

add_executable(oci_rules ${CMAKE_CURRENT_SOURCE_DIR}/tools/oci_rules.c)
target_link_libraries(oci_rules PRIVATE cmc_verify)
add_test(NAME oracle/oci-rules COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/oci_rules_compare.py
  $<TARGET_FILE:oci_rules> 20000)
set_tests_properties(oracle/oci-rules PROPERTIES LABELS oracle TIMEOUT 120
  ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)

add_executable(cmc_result ${CMAKE_CURRENT_SOURCE_DIR}/tools/cmc_result.c)
target_link_libraries(cmc_result PRIVATE cmc_verify)
add_test(NAME oracle/attestation-result COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/oracle/attestation_result.py $<TARGET_FILE:cmc_result>)
set_tests_properties(oracle/attestation-result PROPERTIES LABELS oracle TIMEOUT 120
  ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)

# what both profiles share
foreach(part differences verify)
  cmc_unit(attest/verify/${part} LIBS cmc_test_report)
endforeach()
cmc_unit(attest/verify/cmc_failing_calls LIBS cmc_test_meta
  WRAP cmc_hash2 verify_cmc_form verify_differences_between)
cmc_unit(attest/verify/cmc_out_of_memory LIBS cmc_test_meta SOURCES ${FAIL_ALLOC_SOURCE}
  WRAP ${FAIL_ALLOC})
