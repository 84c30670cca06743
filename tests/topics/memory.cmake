# each allocation fails once: tests/lib/fail_alloc.h
foreach(folder base measure)
  cmc_unit(${folder}/out_of_memory LIBS cmc_base $<$<STREQUAL:${folder},measure>:test_logs>
    SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/lib/fail_alloc.c
    WRAP malloc calloc realloc reallocarray strdup strndup)
endforeach()
