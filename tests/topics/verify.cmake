# the verifier: claims, quotes, logs, containers, results
cmc_unit(attest/verify/claims LIBS cmc_verify)
pkg_check_modules(TSS_MU REQUIRED IMPORTED_TARGET tss2-mu) # and nothing else of tss2
add_library(cmc_test_report STATIC lib/report_bed.c lib/shown.c)
target_link_libraries(cmc_test_report PUBLIC cmc_verify cmc_sign cmc_test_pki test_logs
  PkgConfig::TSS_MU PRIVATE PkgConfig::CMOCKA)
foreach(part containers containers_rules every_byte every_detail exact host log quote quote_key result)
  cmc_unit(attest/verify/${part} LIBS cmc_test_report)
endforeach()
cmc_fuzz(fuzz_quote cmc_verify cmc_test_pki PkgConfig::TSS_MU)
cmc_fuzz(fuzz_verify cmc_test_report)
if(CMC_UNIT)
  add_test(NAME unit/attest/verify/needs COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/lib/tss-mu-only
    $<TARGET_FILE:test_attest_verify_exact>)
  set_tests_properties(unit/attest/verify/needs PROPERTIES LABELS unit)
endif()
