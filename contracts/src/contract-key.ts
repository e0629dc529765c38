/**
 * Hash of the verification key that `AttestationContract.compile` gives, so that a page can tell the contract without compiling
 * it. It changes with every change of a method; the tests compile and compare.
 */
export const CONTRACT_KEY_HASH =
  '12634812181945999936285936256509744915443093356720360320978240759304663849770';

/** Hash of the settlement program's verification key, which the contract's code has in it. */
export const SETTLEMENT_KEY_HASH =
  '3750764007388451189020794474378198888904155169719885440147577286799714089282';
