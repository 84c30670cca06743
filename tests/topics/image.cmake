# References from the image alone: archives, layers, clients.
add_library(cmc_tar_bed STATIC ${CMAKE_CURRENT_SOURCE_DIR}/lib/tar_bed.c)
target_link_libraries(cmc_tar_bed PUBLIC cmc_measure)
cmc_unit(measure/untar LIBS cmc_tar_bed)
cmc_unit(measure/image LIBS cmc_tar_bed)
cmc_unit(measure/oci_image LIBS cmc_measure)
cmc_unit(measure/client LIBS cmc_measure)
cmc_fuzz(fuzz_untar cmc_tar_bed)
cmc_fuzz(fuzz_image cmc_tar_bed)
cmc_fuzz(fuzz_oci_image cmc_measure)
cmc_unit(tools/oci LIBS cmc_bundle cmc_tar_bed PkgConfig::ARCHIVE)
add_test(NAME oracle/image COMMAND Python3::Interpreter
  ${CMAKE_CURRENT_SOURCE_DIR}/oracle/image_compare.py $<TARGET_FILE:measure-bundle> 60)
set_tests_properties(oracle/image PROPERTIES LABELS oracle TIMEOUT 300)
