/** Group-limited top-k of the router, as in DeepSeek-V3 and its relatives. Candidates rank by higher value, then by lower index. */
import { fromNumbers, toNumbers } from '../ints.js';
import type { Router } from '../architecture/nodes.js';
import { expectLength, place, type Site } from './site.js';

export interface GatingResult {
  /** 0/1 (rows, experts): the best `groupRank` experts of each group. */
  groupBest: BigInt64Array;
  /** (rows, groups): sum of those. */
  groupValue: BigInt64Array;
  /** 0/1 (rows, groups): kept groups. */
  groupSelected: BigInt64Array;
  /** 0/1 (rows, experts): selected experts. */
  expertSelected: BigInt64Array;
  /** (rows, topk): selected experts in rank order, and their weights at 2^16. */
  expert: BigInt64Array;
  weight: BigInt64Array;
}

/** The k best of the candidates in rank order. */
export function topK(values: ArrayLike<number>, k: number, candidates: number[]): number[] {
  return [...candidates].sort((a, b) => values[b] - values[a] || a - b).slice(0, k);
}

/**
 * @param score (rows, experts), at most 2^16; they make the weights.
 * @param choice (rows, experts); with the bias (experts) they make the selection.
 */
export function gating(
  score: BigInt64Array,
  choice: BigInt64Array,
  bias: Int32Array,
  rows: number,
  router: Router,
  at: Site,
): GatingResult {
  const { experts, groups, topkGroup, topk, groupRank, scale, divisor } = router;
  const perGroup = experts / groups;
  expectLength(at, 'the scores', score.length, rows, experts);
  expectLength(at, 'the choices', choice.length, rows, experts);
  expectLength(at, 'the bias', bias.length, experts);
  const scores = toNumbers(score);
  const choices = toNumbers(choice);
  const groupBest = new Float64Array(rows * experts);
  const groupValue = new Float64Array(rows * groups);
  const groupSelected = new Float64Array(rows * groups);
  const expertSelected = new Float64Array(rows * experts);
  const expert = new Float64Array(rows * topk);
  const weight = new Float64Array(rows * topk);
  for (let t = 0; t < rows; t++) {
    const own = scores.subarray(t * experts, (t + 1) * experts);
    const value = choices.subarray(t * experts, (t + 1) * experts).map((c, e) => c + bias[e]);
    const members = range(groups).map((g) => range(perGroup).map((i) => g * perGroup + i));
    const valueOfGroup = members.map((group, g) => {
      const best = topK(value, groupRank, group);
      for (const e of best) groupBest[t * experts + e] = 1;
      return (groupValue[t * groups + g] = best.reduce((sum, e) => sum + value[e], 0));
    });
    const kept = topK(valueOfGroup, topkGroup, range(groups));
    for (const g of kept) groupSelected[t * groups + g] = 1;
    const selected = topK(
      value,
      topk,
      kept.flatMap((g) => members[g]),
    );
    const divided = { selected, all: range(experts), one: [] }[divisor];
    const sum = divisor === 'one' ? 65536 : divided.reduce((a, e) => a + own[e], 0);
    if (sum === 0) throw place(at, 'ZERO_SUM', t, 0, 'a positive sum of scores', '0');
    selected.forEach((e, j) => {
      expertSelected[t * experts + e] = 1;
      expert[t * topk + j] = e;
      // score <= 2^16 and R < 2^31: exact in doubles, and a quotient of integers below 2^53 floors right
      weight[t * topk + j] = floorQuotient(own[e] * scale, sum);
    });
  }
  return {
    groupBest: fromNumbers(groupBest),
    groupValue: fromNumbers(groupValue),
    groupSelected: fromNumbers(groupSelected),
    expertSelected: fromNumbers(expertSelected),
    expert: fromNumbers(expert),
    weight: fromNumbers(weight),
  };
}

function floorQuotient(a: number, b: number): number {
  return (a - (a % b)) / b; // a, b >= 0: the remainder and this division are exact
}

function range(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}
