/**
 * Hash of the verification key that `AttestationContract.compile` gives, so that a page can tell the contract without compiling
 * it. It changes with every change of a method; the tests compile and compare.
 */
export const CONTRACT_KEY_HASH =
  '25337224644152204972926046612473913037125484490296098946282578312779285532179';
