/** Group-limited top-k of the router, as in DeepSeek-V3. Candidates rank by higher value, then by lower index. */
import { fromNumbers, mulShift, toNumbers } from '../ints.js';
import { expectLength, place, type Site } from './site.js';

export interface GatingShape {
  experts: number;
  groups: number;
  topkGroup: number;
  topk: number;
}

export interface GatingResult {
  /** 0/1 (rows, experts): the two best experts of each group. */
  groupTop2: BigInt64Array;
  /** (rows, groups): sum of those two. */
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
 * @param score (rows, experts), sigmoid of the router logits; they make the weights.
 * @param bias (experts) at 2^16; only for the selection.
 * @param scale R of the semantics, from `routedScale`.
 */
export function gating(
  score: BigInt64Array,
  bias: Int32Array,
  rows: number,
  shape: GatingShape,
  scale: number,
  normalize: boolean,
  at: Site,
): GatingResult {
  const { experts, groups, topkGroup, topk } = shape;
  const perGroup = experts / groups;
  expectLength(at, 'the scores', score.length, rows, experts);
  expectLength(at, 'the bias', bias.length, experts);
  const scores = toNumbers(score);
  const groupTop2 = new Float64Array(rows * experts);
  const groupValue = new Float64Array(rows * groups);
  const groupSelected = new Float64Array(rows * groups);
  const expertSelected = new Float64Array(rows * experts);
  const expert = new Float64Array(rows * topk);
  const weight = new Float64Array(rows * topk);
  for (let t = 0; t < rows; t++) {
    const own = scores.subarray(t * experts, (t + 1) * experts);
    const choice = own.map((s, e) => s + bias[e]);
    const members = range(groups).map((g) => range(perGroup).map((i) => g * perGroup + i));
    const value = members.map((group, g) => {
      const best = topK(choice, 2, group);
      for (const e of best) groupTop2[t * experts + e] = 1;
      return (groupValue[t * groups + g] = choice[best[0]] + choice[best[1]]);
    });
    const kept = topK(value, topkGroup, range(groups));
    for (const g of kept) groupSelected[t * groups + g] = 1;
    const selected = topK(
      choice,
      topk,
      kept.flatMap((g) => members[g]),
    );
    const sum = selected.reduce((a, e) => a + own[e], 0);
    if (normalize && sum === 0) {
      throw place(at, 'ZERO_SUM', t, 0, 'a positive sum of scores', '0');
    }
    selected.forEach((e, j) => {
      expertSelected[t * experts + e] = 1;
      expert[t * topk + j] = e;
      // score <= 2^16 and R < 2^31: exact in doubles, and a quotient of integers below 2^53 floors right
      weight[t * topk + j] = normalize
        ? floorQuotient(own[e] * scale, sum)
        : mulShift(own[e], scale, 16);
    });
  }
  return {
    groupTop2: fromNumbers(groupTop2),
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
