import { openingParameters, type OpeningParameters } from '../commitment/parameters.js';

/** An opening with proofs of work that take no time: for tests of all its other checks. */
export const littleWork = (...sizes: Parameters<typeof openingParameters>): OpeningParameters => ({
  ...openingParameters(...sizes),
  grindingBits: 8,
});
