# tpm/ and record/: a TPM in process, so that every fault can be placed.
add_library(cmc_test_fake_tpm STATIC lib/fake_tcti.c lib/fake_tpm.c)
target_link_libraries(cmc_test_fake_tpm PUBLIC cmc_hash PkgConfig::TSS_SYS)
set(FAKE_TPM Tss2_TctiLdr_Initialize Tss2_TctiLdr_Finalize)

cmc_unit(tpm/pcr LIBS cmc_test_fake_tpm cmc_tpm_pcr WRAP ${FAKE_TPM})

add_library(cmc_test_recorder STATIC lib/recorder_fwlog.c lib/recorder_log.c
  lib/recorder_table.c)
target_link_libraries(cmc_test_recorder PUBLIC cmc_record cmc_tpm_pcr)
add_library(cmc_test_bed STATIC lib/recorder_bed.c)
target_link_libraries(cmc_test_bed PUBLIC cmc_test_recorder cmc_test_fake_tpm PkgConfig::CMOCKA)

foreach(part boot details dir firmware hint lock logfile missed register state)
  cmc_unit(record/${part} LIBS cmc_test_bed WRAP ${FAKE_TPM})
endforeach()
cmc_unit(record/recorder LIBS cmc_test_bed WRAP ${FAKE_TPM})
cmc_unit(record/txn LIBS cmc_test_bed WRAP ${FAKE_TPM}
  write pwrite fdatasync fsync fallocate openat fstat flock)

# run by tests/integration/recorder/run.sh, on swtpm
foreach(program killer speed table writer)
  add_executable(recorder_${program} integration/recorder/${program}.c integration/recorder/world.c)
  target_link_libraries(recorder_${program} PRIVATE cmc_test_recorder)
endforeach()
