# tpm/ and record/: a TPM in process, so that every fault can be placed.
add_library(cmc_test_fake_tpm STATIC lib/fake_tcti.c lib/fake_tpm.c)
target_link_libraries(cmc_test_fake_tpm PUBLIC cmc_hash PkgConfig::TSS_SYS)
set(FAKE_TPM Tss2_TctiLdr_Initialize Tss2_TctiLdr_Finalize)

cmc_unit(tpm/pcr LIBS cmc_test_fake_tpm cmc_tpm_pcr WRAP ${FAKE_TPM})
