# what this host says of itself: keys, quotes, reports
pkg_check_modules(TSS_ESYS REQUIRED IMPORTED_TARGET tss2-esys)
cmc_unit(measure/config_secret LIBS cmc_measure)

# a software TPM, where a fault can be put in front of it
add_library(cmc_test_swtpm STATIC lib/swtpm.c lib/faulty_tpm.c)
target_link_libraries(cmc_test_swtpm PUBLIC cmc_test_fake_tpm cmc_tpm cmc_tpm_pcr PkgConfig::TSS_ESYS)
foreach(part ak quote)
  cmc_unit(tpm/${part} LIBS cmc_test_swtpm WRAP ${FAKE_TPM})
endforeach()

pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto>=3.0)
add_library(cmc_test_prove STATIC unit/attest/prove/bed.c)
target_link_libraries(cmc_test_prove PUBLIC cmc_prove cmc_test_swtpm test_logs PkgConfig::CRYPTO PkgConfig::CMOCKA)
foreach(part ak_json details driver evidence exact file items key log prove)
  cmc_unit(attest/prove/${part} LIBS cmc_test_prove)
endforeach()
cmc_unit(attest/prove/cmc LIBS cmc_test_prove WRAP record_ask_pause)

cmc_fuzz(fuzz_ak_json cmc_prove)

# run by tests/integration/prove/run.sh, on swtpm
add_executable(prove_report ${CMAKE_CURRENT_LIST_DIR}/../tools/prove_report.c)
target_link_libraries(prove_report PRIVATE cmc_prove PkgConfig::TSS_ESYS)
target_link_options(prove_report PRIVATE -Wl,--wrap=Esys_Quote) # a slow TPM
add_executable(prove_feed ${CMAKE_CURRENT_LIST_DIR}/../integration/prove/feed.c)
target_link_libraries(prove_feed PRIVATE cmc_measure_shared cmc_record)
cmc_unit(attest/prove/out_of_memory LIBS cmc_test_prove SOURCES ${FAIL_ALLOC_SOURCE} WRAP ${FAIL_ALLOC})
cmc_unit(attest/prove/failing_calls LIBS cmc_test_prove SOURCES ${FAIL_SYS_SOURCE} WRAP ${FAIL_SYS})
