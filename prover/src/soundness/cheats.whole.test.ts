/**
 * Coordinated cheats: one false step, everything after it computed from it. Each names all the checks that stop it; nearly always
 * the one relation that the step breaks, so a test falls when that relation is dropped.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { routedScale } from '@attensor/inference';
import { engine } from '@attensor/native';
import { P, inverse } from '../protocol/field.js';
import { failures, type Blocks } from '../testing/cheat.js';
import {
  bentTrace,
  honestRun,
  padIds,
  statementOf,
  type Honest,
  type Tamper,
} from '../testing/honest.js';

let h: Honest;
beforeAll(async () => {
  h = await honestRun();
});
afterAll(() => h.dispose());

/** The first entries of row t = 3 of a (T, …) tensor. */
const rowOf = (dims: number[], t = 3): number => t * dims.slice(1).reduce((a, b) => a * b, 1);

/** Adds `by` to entry (t = 3, first) of a traced value. */
const shift =
  (target: string, by: bigint): Tamper =>
  (name, data, dims) => {
    if (name === target) data[rowOf(dims)] += by;
  };

const traced = (name: string) => h.values(h.trace).get(name);
const bent = (tamper: Tamper) => bentTrace(h.model, h.ids, tamper);

type Ints = (ints: BigInt64Array, at: Blocks) => void;
const stopped = async (tamper: Tamper, ints?: Ints, until?: 'opening'): Promise<string> =>
  (await failures(h, { trace: await bent(tamper), ints, until })).join(', ');

/** y - 1 with the remainder left as it is, or raised beyond its cell. */
describe('a floor taken one too low', () => {
  const cases: [value: string, remainder: string, noticed: string][] = [
    ['layers.0.wq_b1', 'r.0', 'GeMM'],
    ['layers.0.w3', 'r.0', 'GeMM'],
    ['layers.1.shared.w2', 'r.0', 'GeMM'],
    ['layers.1.q_norm', 'r.1', 'RMSNorm'],
    ['final_norm', 'r.1', 'RMSNorm'],
    ['layers.0.rope_q', 'r.0', 'RoPE'],
    ['layers.1.rope_k', 'r.0', 'RoPE'],
    ['layers.0.mul2', 'r.0', 'attention'],
    ['layers.1.routed.w3', 'r.0', 'MoE GeMM'],
    ['layers.1.routed.w2', 'r.0', 'MoE GeMM'],
    ['layers.1.routed.weighted', 'r.0', 'MoE combine'],
    ['layers.0.act', 'r.0', 'Sigmoid'],
    ['layers.1.routed.act', 'r.0', 'Sigmoid'],
  ];
  it.each(cases)('%s', async (value, remainder, noticed) => {
    const tamper = shift(`${value}.y`, -1n);
    expect(await stopped(tamper)).toBe(noticed);
    const raised: Ints = (ints, at) => {
      const name = `${value}.${remainder}`;
      const rest = at.dims(name).slice(1);
      ints[at.at(name, 3, ...rest.map(() => 0))] += 65536n;
    };
    expect(await stopped(tamper, raised, 'opening')).toBe('fractions');
  });
});

describe('accumulators that no cells hold', () => {
  it('a score', async () => {
    expect(
      await stopped((name, data, dims) => {
        if (name === 'layers.0.mul1.acc') data[rowOf(dims.slice(1))] += 1n << 20n;
      }),
    ).toBe('attention');
  });
  it('a logit', async () => {
    expect(
      await stopped((name, data) => {
        if (name === 'head.acc') data[4 * h.model.config.vocabSize + 9] -= 1n << 20n;
      }),
    ).toBe('GeMM');
  });
  it('an input of the sigmoid', async () => {
    expect(await stopped(shift('layers.0.w1.y', 32n))).toBe('GeMM');
    expect(await stopped(shift('layers.1.routed.w1.y', 32n))).toBe('MoE GeMM');
    expect(await stopped(shift('layers.1.gate.y', 32n))).toBe('GeMM');
  });
});

describe('RMSNorm', () => {
  const bad = (by: bigint): Tamper => {
    let inv: bigint;
    let old: bigint;
    return (name, data, dims) => {
      if (name === 'layers.0.ffn_norm.inv') {
        old = data[3];
        inv = data[3] += by;
      } else if (name === 'layers.0.ffn_norm.y') {
        // y = floor(x inv g / 2^32), x g from what the honest y came from
        const width = dims[1];
        for (let i = 0; i < width; i++) {
          const x = mid[3 * width + i];
          const g = BigInt(gains[i]);
          expect((x * old * g) >> 32n).toBe(data[3 * width + i]);
          data[3 * width + i] = (x * inv * g) >> 32n;
        }
      } else if (name === 'layers.0.x_mid') mid = data.slice();
    };
  };
  let mid: BigInt64Array;
  let gains: Int32Array;
  beforeAll(async () => {
    gains = await h.model.tensor('layers.0.ffn_norm.g');
  });
  it('a smaller inverse root', async () => expect(await stopped(bad(-1n))).toBe('RMSNorm rows'));
  it('a larger inverse root', async () => expect(await stopped(bad(1n))).toBe('RMSNorm rows'));
  it('differences as negative field elements', async () => {
    const negative =
      (part: string, factor: bigint): Ints =>
      (ints, at) => {
        const index = (k: number): number => at.at(`layers.0.ffn_norm.${part}.${k}`, 3);
        // the value less 2^80: the highest cell takes -2^16
        ints[index(4)] -= factor;
      };
    expect(await stopped(bad(-1n), negative('D2', 65536n))).toBe('');
    expect(await stopped(bad(-1n), negative('D2', 65536n), 'opening')).toBe('fractions');
    expect(await stopped(bad(1n), negative('D1', 65536n), 'opening')).toBe('fractions');
  });
  it('another row’s sum of squares', async () => {
    expect(
      await stopped((name, data) => {
        if (name === 'layers.0.attn_norm.S') data[3] += 1n;
      }),
    ).toBe('RMSNorm');
  });
  it('the input of another layer (layers spliced)', async () => {
    let first: BigInt64Array;
    const gain: Int32Array = await h.model.tensor('layers.1.attn_norm.g');
    let S: bigint[] = [];
    let inv: bigint[] = [];
    const d = h.model.config.hiddenSize;
    const rows = h.ids.length;
    // layer 1 starts from the embedding instead of layer 0's output
    expect(
      await stopped((name, data) => {
        if (name === 'embedding.x') first = data.slice();
        if (name === 'layers.0.attn_norm.S') S = [...data];
        if (name === 'layers.0.attn_norm.inv') inv = [...data];
        if (name === 'layers.1.attn_norm.S') data.set(S);
        if (name === 'layers.1.attn_norm.inv') data.set(inv);
        if (name === 'layers.1.attn_norm.y')
          for (let k = 0; k < rows * d; k++)
            data[k] = (first[k] * inv[Math.floor(k / d)] * BigInt(gain[k % d])) >> 32n;
      }),
    ).toBe('RMSNorm, argmax');
  });
});

describe('Softmax', () => {
  const L = 'layers.0.softmax.';
  const T = 8;
  /** row (h = 1, t = 3) */
  const row = (1 * T + 3) * T;
  const exp = (c: bigint): bigint => expTable[Number(c)];
  let expTable: bigint[];
  beforeAll(() => {
    const { uses, table } = h.unit.lookups.tables[0];
    expect(uses.length).toBeGreaterThan(0);
    expTable = Array.from(table, BigInt);
  });

  /** Replaces c and o of the row, then recomputes e, the sum, inv and p as the semantics say. */
  function softmax(
    change: (c: bigint, o: bigint, s: number) => [bigint, bigint],
    more: { max?: bigint; inv?: bigint; p?: bigint; e?: bigint } = {},
  ): Tamper {
    let c: BigInt64Array, e: BigInt64Array, p: BigInt64Array, o: BigInt64Array;
    return (name, data) => {
      if (name === `${L}c`) c = data;
      if (name === `${L}o`) {
        o = data;
        for (let s = 0; s <= 3; s++) [c[row + s], o[row + s]] = change(c[row + s], o[row + s], s);
      }
      if (name === `${L}e`) {
        e = data;
        for (let s = 0; s <= 3; s++) e[row + s] = exp(c[row + s]);
        e[row] += more.e ?? 0n;
      }
      if (name === `${L}p`) p = data;
      if (name === `${L}max`) data[row / T] += more.max ?? 0n;
      if (name === `${L}sum`) data[row / T] = [0, 1, 2, 3].reduce((n, s) => n + e[row + s], 0n);
      if (name === `${L}inv`) {
        const sum = [0, 1, 2, 3].reduce((n, s) => n + e[row + s], 0n);
        data[row / T] = 0xffffffffn / sum + (more.inv ?? 0n);
        for (let s = 0; s <= 3; s++) p[row + s] = (e[row + s] * data[row / T]) >> 16n;
        p[row] += more.p ?? 0n;
      }
    };
  }
  const keep = (c: bigint, o: bigint): [bigint, bigint] => [c, o];
  const attain: Ints = (ints, at) => {
    for (let s = 0; s <= 3; s++) ints[at.at(`${L}attained`, 1, 3, s)] = s === 0 ? 1n : 0n;
  };

  it('unbent, it passes', async () => {
    expect(await stopped(softmax(keep))).toBe('');
  });
  it('a maximum that is not attained', async () => {
    const higher = softmax((c, o) => [c + 1n, o], { max: 1n });
    expect(await stopped(higher, attain)).toBe('Softmax');
    // no one-hot at all
    expect(await stopped(higher)).toBe('Softmax');
  });
  it('a maximum attained at a masked key', async () => {
    const higher = softmax((c, o) => [c + 1n, o], { max: 1n });
    expect(
      await stopped(higher, (ints, at) => {
        ints[at.at(`${L}attained`, 1, 3, 6)] = 1n;
        ints[at.at(`${L}c`, 1, 3, 6)] = 0n;
        ints[at.at(`${L}exp`, 1, 3, 6)] = 65536n;
      }),
    ).toBe('Softmax');
  });
  it('a maximum half attained twice', async () => {
    // entries 2 and -1: a sum of one without bits
    expect(
      await stopped(softmax(keep), (ints, at) => {
        for (let s = 0; s <= 3; s++)
          if (ints[at.at(`${L}attained`, 1, 3, s)] === 1n) {
            ints[at.at(`${L}attained`, 1, 3, s)] = 2n;
            ints[at.at(`${L}attained`, 1, 3, (s + 1) % 4)] = -1n;
          }
      }),
    ).toBe('Softmax');
  });
  it('all remainders of a row shifted with the maximum', async () => {
    // In cells: the remainders become negative. In the field: max + delta, 2^32 delta = -1, and every remainder one more.
    expect(
      await failures(h, {
        ints: (ints, at) => {
          ints[at.at(`${L}max.0`, 1, 3)] += 1n;
          for (let s = 0; s <= 3; s++) ints[at.at(`${L}r.1`, 1, 3, s)] -= 65536n;
        },
        until: 'opening',
      }),
    ).toEqual(['fractions']);
    const delta = inverse(1n << 32n);
    const shifted = await failures(h, {
      ints: (ints, at) => {
        for (let s = 0; s <= 3; s++) ints[at.at(`${L}r.0`, 1, 3, s)] += 1n;
      },
      vector: (vector, at) => {
        const i = at.at(`${L}max.0`, 1, 3);
        vector.set(i, (vector.get(i) + P - delta) % P);
      },
      until: 'opening',
    });
    expect(shifted).toEqual(['fractions']);
  });
  it('saturation below the table’s end', async () => {
    expect(
      await stopped(
        softmax((c, o, s) =>
          s === 0 && c > 0n ? [c - 1n, o + 1n] : s === 1 && c > 0n ? [c - 1n, o + 1n] : [c, o],
        ),
      ),
    ).toBe('Softmax');
  });
  it('a value that is not in the exp table', async () => {
    expect(await stopped(softmax(keep, { e: 1n }))).toBe('');
    expect(await stopped(softmax(keep, { e: 1n }), undefined, 'opening')).toBe('fractions');
  });
  it('a probability', async () => {
    expect(await stopped(softmax(keep, { p: -1n }))).toBe('Softmax');
  });
  it('a probability at a masked key', async () => {
    expect(
      await stopped((name, data) => {
        if (name === `${L}p`) data[row + 5] = 100n;
      }),
    ).toBe('Softmax, attention');
  });
  it('the quotient of the sum', async () => {
    expect(await stopped(softmax(keep, { inv: -1n }))).toBe('Softmax, Softmax rows');
    const sumOf = (ints: BigInt64Array, at: Blocks, part: string): bigint =>
      ints[at.at(`${L}${part}.0`, 1, 3)] + (ints[at.at(`${L}${part}.1`, 1, 3)] << 16n);
    // slack as the negative number it is
    expect(
      await stopped(
        softmax(keep, { inv: -1n }),
        (ints, at) => {
          const slack = sumOf(ints, at, 'slack') - (1n << 32n);
          ints[at.at(`${L}slack.0`, 1, 3)] = slack;
          ints[at.at(`${L}slack.1`, 1, 3)] = 0n;
        },
        'opening',
      ),
    ).toBe('fractions');
  });
});

describe('Sigmoid', () => {
  const L = 'layers.0.';
  const width = (): number => h.model.config.denseInner;
  let table: bigint[];
  beforeAll(() => {
    table = Array.from(h.unit.lookups.tables[1].table, BigInt);
  });
  /** Another table index at (t = 3, 0); sigma, silu and act follow. */
  function sigmoid(by: bigint): Tamper {
    const seen = new Map<string, BigInt64Array>();
    return (name, data) => {
      const i = 3 * width();
      seen.set(name, data);
      const get = (n: string): bigint => present(seen.get(L + n), n)[i];
      if (name === `${L}sigmoid.c`) data[i] += by;
      if (name === `${L}sigmoid.sigma`) data[i] = table[Number(get('sigmoid.c'))];
      if (name === `${L}silu.y`) data[i] = (get('w1.y') * get('sigmoid.sigma')) >> 16n;
      if (name === `${L}act.y`) data[i] = (get('silu.y') * get('w3.y')) >> 16n;
    };
  }
  const cell = (ints: BigInt64Array, at: Blocks, part: string, v: bigint): void => {
    ints[at.at(`${L}sigmoid.${part}.0`, 3, 0)] = v;
  };
  it('unbent, it passes', async () => expect(await stopped(sigmoid(0n))).toBe(''));
  it('saturated in the middle', async () => {
    expect(await stopped(sigmoid(-5n), (x, at) => cell(x, at, 'over', 5n))).toBe('Sigmoid');
    expect(await stopped(sigmoid(5n), (x, at) => cell(x, at, 'under', 5n))).toBe('Sigmoid');
  });
  it('low bits of 32 and more', async () => {
    const more =
      (scaled: bigint): Ints =>
      (ints, at) => {
        const low = ints[at.at(`${L}sigmoid.low.0`, 3, 0)] + 32n;
        cell(ints, at, 'low', low);
        cell(ints, at, 'low2', (low * 2048n) % scaled);
      };
    expect(await stopped(sigmoid(-1n), more(65536n))).toBe('Sigmoid');
    expect(await stopped(sigmoid(-1n), more(P))).toBe('');
    expect(await stopped(sigmoid(-1n), more(P), 'opening')).toBe('fractions');
  });
  it('a value that is not in the table', async () => {
    const off: Tamper = (name, data) => {
      inner(name, data, []);
      if (name === `${L}sigmoid.sigma`) data[3 * width()] += 1n;
    };
    const inner = sigmoid(0n);
    expect(await stopped(off, undefined, 'opening')).toBe('fractions');
  });
  it('a floor of SiLU', async () => {
    const inner = sigmoid(0n);
    const off: Tamper = (name, data) => {
      inner(name, data, []);
      if (name === `${L}silu.y`) data[3 * width()] -= 1n;
    };
    expect(await stopped(off)).toBe('Sigmoid');
  });
});

describe('gating', () => {
  const L = 'layers.1.';
  /** A position after the output: what it computes changes no token. */
  const T = 7;
  /** Routes position T to these experts, with weights as the semantics say. */
  function route(options: {
    groups?: bigint[];
    selected?: bigint[];
    experts?: bigint[];
    value?: bigint;
    weights?: (w: bigint[]) => bigint[];
  }): Tamper {
    const seen = new Map<string, BigInt64Array>();
    return (name, data) => {
      seen.set(name, data);
      if (name === `${L}group.value` && options.value) data[T * 2] += options.value;
      if (name === `${L}group.s` && options.groups) data.set(options.groups, T * 2);
      if (name === `${L}experts.s` && options.selected) data.set(options.selected, T * 4);
      if (name === `${L}slots.expert` && options.experts) data.set(options.experts, T * 2);
      if (name === `${L}slots.weight`) {
        const sigma = present(seen.get(`${L}gate_sigmoid.sigma`));
        const experts = present(seen.get(`${L}slots.expert`));
        const scores = [0, 1].map((j) => sigma[T * 4 + Number(experts[T * 2 + j])]);
        const sum = scores[0] + scores[1];
        const scale = BigInt(routedScale(h.model.config));
        const weights = scores.map((s) => (s * scale) / sum);
        data.set(options.weights?.(weights) ?? weights, T * 2);
      }
    };
  }
  let chosen: number;
  const other = (): { groups: bigint[]; selected: bigint[]; experts: bigint[] } =>
    chosen === 0
      ? { groups: [0n, 1n], selected: [0n, 0n, 1n, 1n], experts: [2n, 3n] }
      : { groups: [1n, 0n], selected: [1n, 1n, 0n, 0n], experts: [0n, 1n] };
  beforeAll(() => {
    chosen = traced(`${L}group.s`).data[T * 2] === 1n ? 0 : 1;
  });

  it('unbent, it passes', async () => expect(await stopped(route({}))).toBe(''));
  it('slots in another order pass: the sum is the same', async () => {
    const experts = [...traced(`${L}slots.expert`).data.subarray(T * 2, T * 2 + 2)].reverse();
    expect(await stopped(route({ experts }), undefined, 'opening')).toBe('');
  });
  it('another group', async () => {
    expect(await stopped(route(other()))).toBe('top-k groups');
  });
  it('another group, by another group value', async () => {
    const value = (chosen === 0 ? -1n : 1n) << 20n;
    expect(await stopped(route({ ...other(), value }))).toBe('top-k experts');
  });
  it('both groups', async () => {
    expect(await stopped(route({ groups: [1n, 1n] }))).toBe('top-k groups');
  });
  it('an expert of a dropped group', async () => {
    const mixed = { selected: [1n, 0n, 1n, 0n], experts: [0n, 2n] };
    expect(await stopped(route(mixed))).toBe('top-k experts');
  });
  it('slots that are not the selected experts', async () => {
    expect(await stopped(route({ experts: other().experts }))).toBe('top-k experts');
    const twice = [...traced(`${L}slots.expert`).data.subarray(T * 2, T * 2 + 1)];
    expect(await stopped(route({ experts: [twice[0], twice[0]] }))).toBe('top-k experts');
  });
  it('weights of the slots swapped, or one less', async () => {
    expect(await stopped(route({ weights: (w) => [w[1], w[0]] }))).toBe('MoE weights');
    expect(await stopped(route({ weights: (w) => [w[0] - 1n, w[1]] }))).toBe('MoE weights');
  });
  /** Other slots, their scores to match: what is left are the slots' own rules, and what the experts computed. */
  async function slots(p: bigint[][]): Promise<string[]> {
    const experts = [0, 1].map((j) => Number(traced(`${L}slots.expert`).data[T * 2 + j]));
    const sigma = traced(`${L}gate_sigmoid.sigma`).data;
    return failures(h, {
      ints: (ints, at) => {
        p.forEach((row, j) => {
          row.forEach((v, k) => (ints[at.at(`${L}slots.selection`, T, j, experts[k])] = v));
          ints[at.at(`${L}slots.score`, T, j)] = row.reduce(
            (n, v, k) => n + v * sigma[T * 4 + experts[k]],
            0n,
          );
        });
      },
    });
  }
  it('two experts in one slot', async () => {
    const noticed = await slots([
      [1n, 1n],
      [0n, 0n],
    ]);
    expect(noticed).toContain('MoE slots');
    expect(noticed).not.toContain('top-k experts');
  });
  it('parts of experts', async () => {
    const noticed = await slots([
      [2n, -1n],
      [-1n, 2n],
    ]);
    expect(noticed).toContain('MoE slots');
    expect(noticed).not.toContain('top-k experts');
  });
  it('a quotient one too high, its remainder negative', async () => {
    const tamper = route({ weights: (w) => [w[0] + 1n, w[1]] });
    const negative: Ints = (ints, at) => {
      const [low, high] = [0, 1].map((k) => at.at(`${L}slots.rem.${k}`, T, 0));
      const slack = [0, 1].map((k) => at.at(`${L}slots.slack.${k}`, T, 0));
      // the witness keeps 32 bits of both; the remainder is what they say less 2^32
      ints[high] -= 65536n;
      expect(ints[slack[1]]).toBeGreaterThanOrEqual(0n);
      expect(ints[low]).toBeGreaterThanOrEqual(0n);
    };
    expect(await stopped(tamper, negative, 'opening')).toBe('fractions');
  });
});

describe('tokens and output', () => {
  const tokens = (): number[] => [...h.promptIds, ...h.outputIds];
  it('another last token', async () => {
    const wrong = [...h.outputIds.slice(0, -1), (present(h.outputIds.at(-1)) + 1) % 512];
    const all = [...h.promptIds, ...wrong];
    const ids = padIds(all, h.ids.length);
    const forged = {
      trace: await bentTrace(h.model, ids),
      statement: statementOf(h, h.promptIds, wrong),
      witness: { tokens: { promptIds: h.promptIds, outputIds: wrong }, ids },
    };
    // The witness still names the true winner.
    expect(await failures(h, forged)).toEqual(['argmax']);
    // top and the differences from the false winner: a negative difference
    const t = all.length - 2;
    const V = 512;
    const acc = h.values(forged.trace).get('head.acc').data;
    const key = (v: number): bigint => acc[t * V + v] * 512n + BigInt(V - 1 - v);
    const top = acc[t * V + present(wrong.at(-1))] + (1n << 47n);
    const write = (ints: BigInt64Array, at: Blocks, wrap: boolean): void => {
      for (let k = 0; k < 3; k++)
        ints[at.at(`head.top.${k}`, t)] = (top >> BigInt(16 * k)) & 0xffffn;
      for (let v = 0; v < V; v++) {
        const d = key(present(wrong.at(-1))) - key(v);
        for (let k = 0; k < 4; k++) {
          const cells = (d >> BigInt(16 * k)) & 0xffffn;
          ints[at.at(`head.d.${k}`, t, v)] = k === 3 && d < 0n && !wrap ? cells - 65536n : cells;
        }
      }
    };
    const forge = (wrap: boolean): Promise<string[]> =>
      failures(h, { ...forged, ints: (ints, at) => write(ints, at, wrap), until: 'opening' });
    expect(await forge(true)).toEqual(['argmax']);
    expect(await forge(false)).toEqual(['fractions']);
  });
  it('K(t) raised above every key', async () => {
    const V = 512;
    const raised =
      (except: number): Ints =>
      (ints, at) => {
        ints[at.at('head.top.2', 4)] += 1n;
        const add = 1n << (32n + 9n);
        for (let v = 0; v < V; v++) {
          if (v === except) continue;
          let d = 0n;
          for (let k = 0; k < 4; k++) d += ints[at.at(`head.d.${k}`, 4, v)] << BigInt(16 * k);
          d += add;
          for (let k = 0; k < 4; k++)
            ints[at.at(`head.d.${k}`, 4, v)] = (d >> BigInt(16 * k)) & 0xffffn;
        }
      };
    expect(await failures(h, { ints: raised(-1) })).toEqual(['argmax']);
    expect(await failures(h, { ints: raised(tokens()[5]) })).toEqual(['argmax']);
  });
  it('K(t) a fraction that ties two tokens', async () => {
    // An owner's logit of (k / 2^b) more: top would have to be that fraction
    const fraction = inverse(512n);
    const noticed = await failures(h, {
      vector: (vector, at) => {
        const i = at.at('head.top.0', 7);
        vector.set(i, (vector.get(i) + fraction) % P);
      },
      until: 'opening',
    });
    expect(noticed).toEqual(['fractions']);
  });
  it('a statement about other tokens', async () => {
    const other = [h.promptIds[0], h.promptIds[1] + 1, h.promptIds[2]];
    expect(await failures(h, { statement: statementOf(h, other, h.outputIds) })).toEqual([
      'tokens',
    ]);
    expect(
      await failures(h, { statement: statementOf(h, h.promptIds, [...h.outputIds, 1]) }),
    ).toEqual(['tokens']);
    // the same tokens, split elsewhere
    const shorter = tokens();
    expect(
      await failures(h, { statement: statementOf(h, shorter.slice(0, 2), shorter.slice(2)) }),
    ).toEqual(['tokens']);
  });
  it('an answer to another prompt', async () => {
    // Everything is computed for another prompt, the statement and the hashed tokens are the true ones.
    const ids = padIds([510, 73, 111, ...h.outputIds], h.ids.length);
    const noticed = await failures(h, { trace: await bentTrace(h.model, ids), until: 'opening' });
    expect(noticed).toContain('embedding');
  });
  it('the embedding row of another token', async () => {
    let bound = true;
    const rows = (token: number): number => (bound && token === h.promptIds[1] ? token + 1 : token);
    const vocabulary = {
      row: (token: number) => h.vocabulary.row(rows(token)),
      path: (token: number) => h.vocabulary.path(token),
    };
    const ids = h.ids.map((v, t) => (t === 1 ? v + 1 : v));
    const trace = await bentTrace(h.model, ids);
    expect(await failures(h, { trace, witness: { vocabulary: vocabulary } })).toContain(
      'embedding',
    );
    bound = false;
    const sibling = {
      row: (token: number) => h.vocabulary.row(token),
      path: (token: number) =>
        h.vocabulary.path(token).map((all, d) => (d === 1 ? all.map((v) => v + 1n) : all)),
    };
    expect(await failures(h, { witness: { vocabulary: sibling } })).toEqual(['embedding']);
  });
  it('a token in the padding', async () => {
    // Bound by no hash: were it free, it could be chosen after the random point of the embedding.
    const other = (position: number): number[] => h.ids.map((v, t) => (t === position ? 9 : v));
    const padding = async (position: number): Promise<string[]> =>
      failures(h, {
        trace: await bentTrace(h.model, other(position)),
        witness: { ids: other(position) },
        until: 'opening',
      });
    for (const position of [6, 7]) expect(await padding(position)).toContain('embedding');
  });
});

describe('tables and parameters', () => {
  it('a multiplicity moved', async () => {
    expect(
      await failures(h, {
        ints: (ints, at) => {
          ints[at.at('range.multiplicities', 5)] -= 1n;
          ints[at.at('range.multiplicities', 6)] += 1n;
        },
        keepMultiplicities: true,
        until: 'opening',
      }),
    ).toEqual(['fractions']);
  });

  it('a sum of fractions that is zero, of other fractions', async () => {
    // Multiplicities: the numerators summed are those of the true ones.
    const moved = await failures(h, {
      ints: (ints, at) => {
        ints[at.at('range.multiplicities', 5)] -= 1n;
        ints[at.at('range.multiplicities', 6)] += 1n;
      },
      keepMultiplicities: true,
      fractions: (num, _, at) => {
        const [five, six] = [5, 6].map((v) => at.at('range.multiplicities', v));
        num.set(five, (num.get(five) + P - 1n) % P);
        num.set(six, (num.get(six) + 1n) % P);
      },
      until: 'opening',
    });
    expect(moved).toEqual(['lookups']);
    // A remainder that is no cell: the denominator summed is that of the true one.
    const cell = ['layers.0.wq_b1.r.0', 3, 0] as const;
    const raised = await failures(h, {
      trace: await bent(shift('layers.0.wq_b1.y', -1n)),
      ints: (ints, at) => (ints[at.at(...cell)] += 65536n),
      keepMultiplicities: true,
      fractions: (_, den, at) => {
        const i = at.at(...cell);
        den.set(i, (den.get(i) + 65536n) % P);
      },
      until: 'opening',
    });
    expect(raised).toEqual(['lookups']);
  });

  async function changed(
    name: string,
    index: number,
    by: bigint,
    value: bigint,
  ): Promise<string[]> {
    const { block } = present(
      h.unit.builder.parameters.list().find((e) => e.name === name),
      name,
    );
    const parameters = engine.linear([h.parameters.vector], [1n], 0n);
    const i = block.offset + index;
    parameters.set(i, (parameters.get(i) + by + P) % P);
    const base = Object.create(h.model) as typeof h.model;
    if (value !== 0n)
      base.tensor = async (n) => {
        const data = await h.model.tensor(n);
        if (n !== name) return data;
        const copy = data.slice();
        copy[index] += Number(value);
        return copy;
      };
    const trace = await bentTrace(base, h.ids);
    return failures(h, { trace, witness: { parameters }, until: 'opening' });
  }
  it('a weight, with the trace of the changed model', async () => {
    expect(await changed('layers.0.w3', 5, 100n, 100n)).toEqual(['claims']);
    expect(await changed('head', 12345 % 8192, 1n, 1n)).toEqual(['claims']);
  });
  it('an entry of a table', async () => {
    // Not even one that is looked up nowhere.
    expect(await changed('table.exp', 60000, 1n, 0n)).toEqual(['claims']);
    expect(await changed('table.exp', 0, 1n, 0n)).toEqual(['claims', 'fractions']);
    expect(await changed('table.cos', 3, 1n, 0n)).toEqual(['RoPE', 'claims']);
  });
  it('another model’s root', async () => {
    const statement = [h.statement[0] + 1n, ...h.statement.slice(1)];
    expect(await failures(h, { statement })).toEqual(['parameters']);
    expect(await failures(h, { witness: { salt: 1n } })).toEqual(['parameters']);
    expect(await failures(h, { witness: { parameterSample: 1n }, until: 'opening' })).toEqual([
      'claims',
      'parameters',
    ]);
  });
  it('another vocabulary', async () => {
    const statement = [h.statement[0], h.statement[1] + 1n, ...h.statement.slice(2)];
    expect(await failures(h, { statement })).toEqual(['embedding']);
  });
});
