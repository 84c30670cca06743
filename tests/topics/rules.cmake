# metadata of a report, ociRules, reports of CMC 3.3.0, AttestationResult
cmc_unit(attest/verify/rules LIBS cmc_verify)
cmc_fuzz(fuzz_rules cmc_verify)
