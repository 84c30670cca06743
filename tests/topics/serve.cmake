# cmcd, its socket API and its client; the recorder's socket
foreach(part frame message)
  cmc_unit(attest/serve/${part} LIBS cmc_serve cmc_test_vectors)
endforeach()
foreach(part client dial)
  cmc_unit(attest/serve/${part} LIBS cmc_serve)
endforeach()
foreach(part config listen who)
  cmc_unit(attest/serve/${part} LIBS cmc_daemon)
endforeach()
foreach(part handle peers store)
  cmc_unit(attest/serve/${part} LIBS cmc_daemon cmc_test_meta)
endforeach()
cmc_unit(attest/serve/out_of_memory LIBS cmc_daemon cmc_test_meta SOURCES ${FAIL_ALLOC_SOURCE}
  WRAP ${FAIL_ALLOC})
cmc_unit(attest/serve/handle_out_of_memory LIBS cmc_daemon cmc_test_prove
  SOURCES unit/attest/serve/handle_bed.c ${FAIL_ALLOC_SOURCE} WRAP ${FAIL_ALLOC})
cmc_unit(attest/serve/failing_calls LIBS cmc_daemon cmc_test_prove
  SOURCES unit/attest/serve/handle_bed.c ${FAIL_SYS_SOURCE} WRAP ${FAIL_SYS})
cmc_unit(attest/serve/listen_failing_calls LIBS cmc_daemon SOURCES ${FAIL_SYS_SOURCE}
  WRAP socket bind listen getsockopt setsockopt)
cmc_unit(attest/serve/peers_faults LIBS cmc_daemon cmc_test_meta
  SOURCES ${FAIL_ALLOC_SOURCE} ${FAIL_SYS_SOURCE} WRAP ${FAIL_ALLOC} ${FAIL_SYS})
cmc_unit(attest/serve/server LIBS cmc_daemon SOURCES unit/attest/serve/server_bed.c)
if(NOT CMC_COVERAGE) # libgcov in its workers needs memory of its own
  cmc_unit(attest/serve/server_out_of_memory LIBS cmc_daemon
    SOURCES unit/attest/serve/server_bed.c ${FAIL_ALLOC_SOURCE} WRAP ${FAIL_ALLOC})
endif()
cmc_fuzz(fuzz_api_frame cmc_serve)
cmc_fuzz(fuzz_cmcd_config cmc_daemon)
cmc_fuzz(fuzz_recorder_request cmc_record)
cmc_unit(base/service LIBS cmc_base)
foreach(part ask request)
  cmc_unit(record/${part} LIBS cmc_record)
endforeach()
cmc_unit(tools/cmc_recorder_serve LIBS cmc_recorder_parts cmc_test_bed WRAP ${FAKE_TPM})
