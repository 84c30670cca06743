# the event log: events, frames, replay, exports, and cmcctl log over them
pkg_check_modules(LIBCBOR REQUIRED IMPORTED_TARGET libcbor) # an oracle in tests, nothing else

add_library(test_logs STATIC ${CMAKE_CURRENT_SOURCE_DIR}/tools/logs.c)
target_link_libraries(test_logs PUBLIC cmc_measure)
add_executable(make_log ${CMAKE_CURRENT_SOURCE_DIR}/tools/make_log.c)
target_link_libraries(make_log PRIVATE test_logs)

cmc_unit(measure/cbor LIBS cmc_measure PkgConfig::LIBCBOR)
cmc_unit(measure/event LIBS test_logs PkgConfig::LIBCBOR)
cmc_unit(measure/event_encode LIBS test_logs)
cmc_unit(measure/event_decode LIBS test_logs)
cmc_unit(measure/eventlog LIBS test_logs)
cmc_unit(measure/replay LIBS test_logs)
cmc_unit(measure/replay_profiles LIBS test_logs)
cmc_unit(measure/cel LIBS test_logs PkgConfig::LIBCBOR)
add_library(cmc_test_ctl STATIC lib/recorder_ctl.c)
target_link_libraries(cmc_test_ctl PUBLIC cmc_ctl cmc_test_bed)
foreach(part cmc log)
  cmc_unit(tools/cmcctl_${part} LIBS cmc_test_ctl
    WRAP Tss2_TctiLdr_Initialize Tss2_TctiLdr_Finalize)
endforeach()
cmc_fuzz(fuzz_event_cbor cmc_measure)
cmc_fuzz(fuzz_eventlog cmc_measure)

add_test(NAME oracle/eventlog COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/oracle/eventlog_compare.py
  $<TARGET_FILE:make_log> 100)
set_tests_properties(oracle/eventlog PROPERTIES LABELS unit TIMEOUT 120
  ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
