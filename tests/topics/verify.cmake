# the verifier: claims, quotes, logs, containers, results
cmc_unit(attest/verify/claims LIBS cmc_verify)
