cmc_unit(tools/cmcctl_verdict LIBS cmc_ctl_verdict)
cmc_unit(tools/cmcctl_verify_options LIBS cmc_ctl_verify)
cmc_unit(tools/cmcctl_reference LIBS cmc_ctl_verify)
