cmc_unit(tools/cmcctl_verdict LIBS cmc_ctl_verdict)
