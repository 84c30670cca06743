cmc_unit(base/pb LIBS cmc_base)
cmc_unit(base/task LIBS cmc_base)
cmc_unit(base/helper_msg LIBS cmc_base)
cmc_unit(base/sha256 LIBS cmc_hash)
cmc_unit(shim/frame LIBS cmc_shim)
cmc_fuzz(fuzz_frame cmc_shim)

# tests/integration/shim drives the real program with this helper behind it
add_executable(shim_fake_helper ${CMAKE_CURRENT_LIST_DIR}/../integration/shim/fake_helper.c)
target_link_libraries(shim_fake_helper PRIVATE cmc_base)
