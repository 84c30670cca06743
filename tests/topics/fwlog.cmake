# the firmware's event log
add_executable(fwlog_values ${CMAKE_CURRENT_SOURCE_DIR}/tools/fwlog_values.c)
target_link_libraries(fwlog_values PRIVATE cmc_measure)
cmc_unit(measure/fwlog LIBS cmc_measure)
cmc_fuzz(fuzz_fwlog cmc_measure)

add_test(NAME oracle/fwlog COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/fwlog_compare.py
  $<TARGET_FILE:fwlog_values> 50)
set_tests_properties(oracle/fwlog PROPERTIES LABELS oracle TIMEOUT 120
  ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
