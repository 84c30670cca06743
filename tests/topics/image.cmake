# References from the image alone: archives, layers, clients.
add_library(cmc_tar_bed STATIC ${CMAKE_CURRENT_SOURCE_DIR}/lib/tar_bed.c)
target_link_libraries(cmc_tar_bed PUBLIC cmc_measure)
cmc_unit(measure/untar LIBS cmc_tar_bed)
cmc_unit(measure/image LIBS cmc_tar_bed)
cmc_unit(measure/oci_image LIBS cmc_measure)
cmc_unit(measure/client LIBS cmc_measure)
