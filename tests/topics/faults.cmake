# each allocation, each system call fails once: tests/lib/fail_alloc.h, tests/lib/fail_sys.h
set(FAIL_ALLOC malloc calloc realloc reallocarray strdup strndup)
set(FAIL_ALLOC_SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/lib/fail_alloc.c)
set(FAIL_SYS_SOURCE ${CMAKE_CURRENT_SOURCE_DIR}/lib/fail_sys.c)
set(FAIL_SYS open openat fstat fstatat read pread write lseek fsync mkdir unlinkat renameat flock
  getrandom fdopendir readdir socket connect poll send recv)
foreach(folder base measure)
  cmc_unit(${folder}/out_of_memory LIBS cmc_base $<$<STREQUAL:${folder},measure>:test_logs>
    SOURCES ${FAIL_ALLOC_SOURCE} WRAP ${FAIL_ALLOC})
endforeach()
cmc_unit(attest/meta/out_of_memory LIBS cmc_meta cmc_test_vectors SOURCES ${FAIL_ALLOC_SOURCE}
  WRAP ${FAIL_ALLOC})
cmc_unit(attest/meta/sign_out_of_memory LIBS cmc_sign cmc_test_pki SOURCES ${FAIL_ALLOC_SOURCE}
  WRAP ${FAIL_ALLOC})
cmc_unit(attest/verify/out_of_memory LIBS cmc_test_report SOURCES ${FAIL_ALLOC_SOURCE}
  WRAP ${FAIL_ALLOC})
cmc_unit(shim/out_of_memory LIBS cmc_shim
  SOURCES ${FAIL_ALLOC_SOURCE} ${CMAKE_CURRENT_SOURCE_DIR}/unit/shim/proxy_world.c
  WRAP ${FAIL_ALLOC} ARGS $<TARGET_FILE:shim_fake_inner> $<TARGET_FILE:shim_fake_helper>)
cmc_unit(shim/failing_calls LIBS cmc_shim SOURCES ${FAIL_SYS_SOURCE}
  WRAP open openat fstat fstatat lstat mkdir unlink unlinkat renameat flock socket bind listen
    connect getsockopt write)
cmc_unit(tools/cmc_measure_contents_faults LIBS cmc_measure_parts
  SOURCES ${FAIL_ALLOC_SOURCE} ${FAIL_SYS_SOURCE} WRAP ${FAIL_ALLOC} ${FAIL_SYS} fstatfs)
