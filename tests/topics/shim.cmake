cmc_unit(shim/frame LIBS cmc_shim)
cmc_fuzz(fuzz_frame cmc_shim)
