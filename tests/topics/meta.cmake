# types of metadata and reports, in JSON and CBOR
add_library(cmc_test_vectors STATIC ${CMAKE_CURRENT_SOURCE_DIR}/lib/vectors.c)
target_link_libraries(cmc_test_vectors PUBLIC cmc_base PRIVATE PkgConfig::CMOCKA)
target_compile_definitions(cmc_test_vectors PRIVATE
  TEST_VECTORS="${CMAKE_CURRENT_SOURCE_DIR}/vectors")

foreach(part codec component doc encoding exact item report time)
  cmc_unit(attest/meta/${part} LIBS cmc_meta cmc_test_vectors)
endforeach()
cmc_fuzz(fuzz_meta_item cmc_meta)
cmc_fuzz(fuzz_cmc_report cmc_meta)
cmc_fuzz(fuzz_exact_report cmc_meta)

add_executable(meta_recode ${CMAKE_CURRENT_SOURCE_DIR}/tools/meta_recode.c)
target_link_libraries(meta_recode PRIVATE cmc_meta)
add_test(NAME oracle/exact-report COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/exact_report_compare.py
  $<TARGET_FILE:meta_recode> 300)
set_tests_properties(oracle/exact-report PROPERTIES LABELS oracle TIMEOUT 120
  ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
add_test(NAME oracle/metadata COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/metadata_compare.py
  $<TARGET_FILE:meta_recode> 150)
set_tests_properties(oracle/metadata PROPERTIES LABELS oracle TIMEOUT 240
  ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
