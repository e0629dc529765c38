/**
 * @module parameters
 * Every number of the polynomial commitment, derived from the security level. Johnson-bound list decoding with slack
 * eta = sqrt(rate) / 100: a query misses a word outside the list radius with probability at most sqrt(rate) + eta.
 * No conjecture is used; docs/soundness.md has the error budget.
 */

export interface OpeningRound {
  /** log2 of the size of the vector whose codeword is queried in this round */
  logSize: number;
  logInvRate: number;
  /** log2 of the number of leaves */
  logDomain: number;
  queries: number;
}

export interface OpeningParameters {
  /** log2 of the committed vector's size */
  logSize: number;
  logLeaf: number;
  logCap: number;
  grindingBits: number;
  securityBits: number;
  rounds: OpeningRound[];
  /** log2 of the number of coefficients sent in clear */
  logFinal: number;
}

export const SECURITY_BITS = 100;
export const GRINDING_BITS = 16;
export const LOG_LEAF = 4;
export const LOG_CAP = 4;

/** Entries of a leaf of a vector that is zero from `end` on: whole rows of zeros are not committed. */
export const leafWidth = (end: number, logSize: number): number =>
  Math.max(1, Math.ceil(end / 2 ** (logSize - LOG_LEAF)));
/** Each round's codeword has a rate 2^RATE_STEP lower: folding by 16, a quarter of the domain. */
export const RATE_STEP = LOG_LEAF - 2;
/** sqrt(rate) / eta */
const SLACK = 100;
const LOG_FINAL_MAX = 6;
export const MAX_LOG_SIZE = 28;

/** Bits one query gives at rate 2^-logInvRate. */
export const bitsPerQuery = (logInvRate: number): number =>
  -Math.log2((1 + 1 / SLACK) * 2 ** (-logInvRate / 2));

export function queryCount(bits: number, logInvRate: number): number {
  const each = bitsPerQuery(logInvRate);
  if (!(each > 0))
    throw new RangeError(`queryCount: rate 2^-${logInvRate} gives no soundness per query`);
  return Math.ceil(bits / each);
}

/**
 * @param beside rounds of other openings in the same proof, which share the error
 * @throws RangeError when the sizes can't meet the security level
 */
export function openingParameters(
  logSize: number,
  logInvRate: number,
  beside = 0,
): OpeningParameters {
  if (logSize < LOG_LEAF + LOG_CAP || logSize > MAX_LOG_SIZE)
    throw new RangeError(
      `openingParameters: logSize ${logSize}, expected ${LOG_LEAF + LOG_CAP}..${MAX_LOG_SIZE}`,
    );
  if (logSize - LOG_LEAF + logInvRate > 32)
    throw new RangeError(
      `openingParameters: a domain of 2^${logSize - LOG_LEAF + logInvRate} exceeds the field's 2-adicity`,
    );
  // Sizes first: the rounds share the error, so each must reach log2(rounds) bits more than all of them together.
  const sizes: { logSize: number; logInvRate: number }[] = [];
  let n = logSize;
  let rate = logInvRate;
  do {
    sizes.push({ logSize: n, logInvRate: rate });
    n -= LOG_LEAF;
    rate += RATE_STEP;
  } while (n > LOG_FINAL_MAX);
  const bits = SECURITY_BITS - GRINDING_BITS + Math.log2(sizes.length + beside);
  const rounds: OpeningRound[] = sizes.map((size) => ({
    ...size,
    logDomain: size.logSize - LOG_LEAF + size.logInvRate,
    queries: queryCount(bits, size.logInvRate),
  }));
  return {
    logSize,
    logLeaf: LOG_LEAF,
    logCap: LOG_CAP,
    grindingBits: GRINDING_BITS,
    securityBits: SECURITY_BITS,
    rounds,
    logFinal: n,
  };
}

/** Permutations that commit to a vector with leaves of `width` entries at a round's rate. */
export const commitPermutations = (width: number, { logDomain }: OpeningRound): number =>
  (Math.ceil(width / 2) + 1) * 2 ** logDomain;

/** The same for a vector and all folded vectors of its opening: only the first round's codeword is the vector's own. */
export const openingPermutations = (width: number, { rounds }: OpeningParameters): number =>
  rounds.reduce(
    (sum, round, k) => sum + commitPermutations(k === 0 ? width : 2 ** LOG_LEAF, round),
    0,
  );

/** Compressions that commit to a vector and to all folded vectors of its opening by trees. */
export const openingCompressions = (width: number, { rounds }: OpeningParameters): number =>
  rounds.reduce(
    (sum, { logDomain }, k) => sum + treeCompressions(k === 0 ? width : 2 ** LOG_LEAF, logDomain),
    0,
  );

/** Children of a node. */
const ARITY = 8;

/** Compressions of a tree with 2^logDomain leaves of `width` entries. */
export function treeCompressions(width: number, logDomain: number): number {
  let leaf = 1;
  for (let level = width; level > ARITY; level = Math.ceil(level / ARITY))
    leaf += Math.ceil(level / ARITY);
  return Math.ceil(2 ** logDomain * (leaf + 1 / (ARITY - 1)));
}

/** What a compression takes, in Kimchi's permutations; fixed, so that every machine makes the same plan. */
export const COMPRESSION_COST = 0.7;

const LIST = SLACK / 2;

/**
 * Upper bounds, in bits, of all error terms other than queries for one opening (they are small: the field has 254 bits).
 * Proximity gaps for Reed-Solomon codes up to the Johnson bound (Ben-Sasson, Carmon, Ishai, Kopparty, Saraf 2020):
 * (m + 1/2)^7 n^2 / (3 rate^1.5 |F|) with m = sqrt(rate) / (2 eta) = 50, per batched combination; out-of-domain samples:
 * L^2 / 2 * 2^logSize / |F| with list size L = 1 / (2 eta sqrt(rate)) = 50 / rate. The first one samples the whole vector.
 *
 * @param logWhole log2 of the whole vector's size, where it is committed in parts
 */
export function otherErrorBits(p: OpeningParameters, logWhole = p.logSize): number {
  const field = 254;
  const worst = p.rounds.flatMap((r, k) => [
    field - (7 * Math.log2(LIST + 0.5) + 2 * r.logDomain + 1.5 * r.logInvRate - Math.log2(3)),
    field - (2 * (Math.log2(LIST) + r.logInvRate) - 1 + (k === 0 ? logWhole : r.logSize)),
  ]);
  // union over at most 2^10 combinations
  return Math.min(...worst) - 10;
}
