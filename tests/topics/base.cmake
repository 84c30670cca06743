cmc_unit(base/options LIBS cmc_base)
