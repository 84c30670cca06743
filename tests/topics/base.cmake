cmc_unit(base/options LIBS cmc_base)
cmc_unit(base/site LIBS cmc_base)
