# what verifiers' users see: cmcctl verify, explain, generate, measure, reference
add_library(cmc_test_cmcd STATIC lib/fake_cmcd.c)
target_link_libraries(cmc_test_cmcd PUBLIC cmc_serve PRIVATE PkgConfig::CMOCKA)

cmc_unit(tools/cmcctl_verdict LIBS cmc_ctl_verdict)
cmc_unit(tools/cmcctl_verify_options LIBS cmc_ctl_verify)
cmc_unit(tools/cmcctl_verify LIBS cmc_ctl_verify cmc_test_cmcd cmc_test_pki)
cmc_unit(tools/cmcctl_verify_paths LIBS cmc_ctl_verify cmc_test_cmcd)
cmc_unit(tools/cmcctl_reference LIBS cmc_ctl_verify)
cmc_fuzz(fuzz_ima_log cmc_ctl_verify)
cmc_unit(tools/cmcctl_reference_host LIBS cmc_ctl_verify cmc_test_ctl
  WRAP Tss2_TctiLdr_Initialize Tss2_TctiLdr_Finalize)
