# cmcd, its socket API and its client; the recorder's socket
foreach(part frame message)
  cmc_unit(attest/serve/${part} LIBS cmc_serve cmc_test_vectors)
endforeach()
cmc_unit(attest/serve/config LIBS cmc_daemon)
cmc_unit(attest/serve/server LIBS cmc_daemon SOURCES unit/attest/serve/server_bed.c)
cmc_fuzz(fuzz_api_frame cmc_serve)
cmc_fuzz(fuzz_cmcd_config cmc_daemon)
cmc_fuzz(fuzz_recorder_request cmc_record)
