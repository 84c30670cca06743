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
