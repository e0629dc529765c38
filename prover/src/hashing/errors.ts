/**
 * @module hashing/errors
 * What the second level's relations can miss (docs/soundness.md, section 13). Queries of both levels are planned together, in level-one.ts.
 */
import { instanceLog, type HashingLayout } from './layout.js';
import { sboxCount } from './poseidon2.js';

export interface ErrorTerm {
  step: string;
  /** the error is at most 2^-bits */
  bits: number;
}

const FIELD = 254;
/** sqrt(rate) / (2 eta), as for every opening */
const LIST = 50;
/** of the zero-check: the S-box, and the weights of its points */
const DEGREE = 6;

/**
 * What the relations can miss. Each bound counts every vector that S may stand for before its out-of-domain value: (50 / rate)^2 of them.
 *
 * @param said foldings and values that are claimed of leaves
 */
export function hashingErrors(
  layout: HashingLayout,
  logInvRate: number,
  said: number,
): ErrorTerm[] {
  const { hash, groups, logCompressions, logColumns, logSize } = layout;
  const list = 2 * (Math.log2(LIST) + logInvRate);
  const bound = (step: string, failures: number): ErrorTerm => ({
    step,
    bits: FIELD - list - Math.log2(failures),
  });
  const equations = sboxCount(hash.instance) - hash.width + 1 + hash.logArity + 1;
  const instances = groups.reduce((sum, g) => {
    // roots and indices, then a relation between each two levels of a leaf
    const levels = g.levels.slice(0, -1).reduce((s, { log }) => s + log + instanceLog(g), 0);
    return sum + 2 * instanceLog(g) + levels;
  }, 0);
  const answers = said * Math.max(...groups.map((g) => g.logQueries));
  const claims = 2 + groups.reduce((sum, g) => sum + 2 + (g.levels.length - 1), 0) + said + 1;
  return [
    bound('a random compression', logCompressions),
    bound('powers of a challenge, over the equations of a compression', equations),
    bound('rounds of the zero-check', DEGREE * logCompressions),
    bound('a random column', logColumns),
    bound('a random instance', instances + answers),
    bound('reduction of claims', claims + 2 * logSize),
  ];
}

/** All of them together, in bits. */
export const hashingErrorBits = (terms: ErrorTerm[]): number =>
  -Math.log2(terms.reduce((sum, { bits }) => sum + 2 ** -bits, 0));
