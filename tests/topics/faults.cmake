# each allocation, each system call fails once: tests/lib/fail_alloc.h, tests/lib/fail_sys.h
foreach(folder base measure)
  cmc_unit(${folder}/out_of_memory LIBS cmc_base $<$<STREQUAL:${folder},measure>:test_logs>
    SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/lib/fail_alloc.c
    WRAP malloc calloc realloc reallocarray strdup strndup)
endforeach()
cmc_unit(shim/failing_calls LIBS cmc_shim
  SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/lib/fail_sys.c
  WRAP open openat fstat fstatat lstat mkdir unlink unlinkat renameat flock socket bind listen
    connect getsockopt write)
