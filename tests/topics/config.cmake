cmc_unit(base/utf8 LIBS cmc_base)
cmc_unit(base/json_parse LIBS cmc_base)
cmc_unit(base/json_write LIBS cmc_base)
cmc_unit(measure/spec_table LIBS cmc_measure)
cmc_unit(measure/config LIBS cmc_measure)
cmc_unit(measure/config_members LIBS cmc_measure)
cmc_unit(measure/config_check LIBS cmc_measure)
cmc_unit(measure/config_detail LIBS cmc_measure)
cmc_unit(measure/config_digest LIBS cmc_measure)
cmc_unit(measure/config_diff LIBS cmc_measure)
cmc_fuzz(fuzz_json cmc_base)
cmc_fuzz(fuzz_oci_config cmc_measure)

add_executable(config_digest ${CMAKE_CURRENT_SOURCE_DIR}/tools/config_digest.c)
target_link_libraries(config_digest PRIVATE cmc_measure)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(name oracle/config oracle/config-extra)
  add_test(NAME ${name} COMMAND_EXPAND_LISTS COMMAND Python3::Interpreter
    ${CMAKE_CURRENT_SOURCE_DIR}/oracle/compare_config.py $<TARGET_FILE:config_digest>
    $<$<STREQUAL:${name},oracle/config-extra>:--extra>)
  set_tests_properties(${name} PROPERTIES LABELS oracle SKIP_RETURN_CODE 77 TIMEOUT 120)
endforeach()

add_executable(config_cmc_digest ${CMAKE_CURRENT_SOURCE_DIR}/tools/config_cmc_digest.c)
target_link_libraries(config_cmc_digest PRIVATE cmc_measure)
add_test(NAME oracle/config-cmc COMMAND Python3::Interpreter
  ${CMAKE_CURRENT_SOURCE_DIR}/oracle/cmc_config_compare.py $<TARGET_FILE:config_cmc_digest>)
set_tests_properties(oracle/config-cmc PROPERTIES LABELS oracle TIMEOUT 120)
