foreach(part flight flight_dir flight_file)
  cmc_unit(tools/cmc_measure_${part} LIBS cmc_measure_parts)
endforeach()
cmc_fuzz(fuzz_flight cmc_measure_parts)
