add_executable(rootfs_digest ${CMAKE_CURRENT_SOURCE_DIR}/tools/rootfs_digest.c)
target_link_libraries(rootfs_digest PRIVATE cmc_measure)
