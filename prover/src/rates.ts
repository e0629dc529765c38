/**
 * @module rates
 * Which rates a unit's commitments have: those whose proof takes least time, by counts alone, so that every machine decides alike.
 */
import { AttensorError } from '@attensor/core';
import type { Segment } from './circuits/planner.js';
import type { Tape } from './protocol/tape.js';
import { Script } from './script.js';
import type { CommitmentNumbers, Unit } from './units/unit.js';

/** log2 of the inverse rates of both levels. */
export type Rates = Pick<CommitmentNumbers, 'logInvRate' | 'hashingLogInvRate'>;

/** Rates that are tried: higher ones cost hashing, lower ones queries and so circuits. */
const LOG_INV_RATES = [1, 2, 3, 4];
const HASHING_LOG_INV_RATES = [2, 3, 4, 5, 6];
/**
 * What a circuit's proof costs, in permutations: 24 s where one takes 1.13 us (`estimate.ts`). Fixed, so that every machine makes the
 * same plan.
 */
export const CIRCUIT_COST = 21e6;
const MOST_CIRCUITS = 16;
/** of weights in parts */
const MOST_IN_PARTS = 2;

export interface PlannedScript {
  script: Script;
  tape: Tape;
  segments: Segment[];
}

export const planned = async (script: Script): Promise<PlannedScript> => ({
  script,
  ...(await script.plan()),
});

/**
 * @param scripts those to choose from, by what they hash
 * @throws UNSUPPORTED_CONFIG when a sensible number of circuits does not hold the unit at any rate
 */
export async function cheapestScript(
  unit: Unit,
  partLog: number,
  scripts = scriptsAtAllRates(unit, partLog),
): Promise<PlannedScript> {
  const least = CIRCUIT_COST * unit.statement.leastCircuits;
  let best: { plan: PlannedScript; cost: number } | undefined;
  let fewest = Infinity;
  for (const script of scripts) {
    // Those that follow hash more.
    if (best && script.permutations + least >= best.cost) break;
    const plan = await planned(script);
    const { length } = plan.segments;
    fewest = Math.min(fewest, length);
    const cost = script.permutations + CIRCUIT_COST * length;
    if (length <= MOST_CIRCUITS && !(best && best.cost <= cost)) best = { plan, cost };
  }
  if (best) return best.plan;
  throw new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: 'the unit does not fit its circuits',
    where: unit.description,
    expected: `at most ${MOST_CIRCUITS} circuits`,
    got: String(fewest),
    hint: 'Take fewer rows or smaller dimensions',
  });
}

/** A unit's scripts at all rates that are tried, by what they hash. */
export function scriptsAtAllRates(unit: Unit, partLog: number): Script[] {
  const all = LOG_INV_RATES.flatMap((logInvRate) =>
    HASHING_LOG_INV_RATES.map(
      (hashingLogInvRate) => new Script(unit, { logInvRate, hashingLogInvRate, partLog }),
    ),
  );
  // Higher rates would double the memory of a part.
  const tried = all.filter(({ inParts, logInvRate }) => !inParts || logInvRate <= MOST_IN_PARTS);
  return tried.sort((a, b) => a.permutations - b.permutations);
}
