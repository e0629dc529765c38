/**
 * One changed entry in every block of the witness, range-checked cells still cells and multiplicities recounted, and the exact set
 * of components that notice. A constraint that is dropped makes a set smaller; nothing here gets as far as the opening.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { present } from '@attensor/core';
import { Blocks, failures } from '../testing/cheat.js';
import { honestRun, type Honest } from '../testing/honest.js';

const each = (prefixes: string[], parts: string[]): string[] =>
  prefixes.flatMap((p) => parts.map((part) => p + part));

const NORMS = ['attn_norm.', 'q_norm.', 'kv_norm.', 'ffn_norm.', 'final_norm.'];
const GLUS = ['', 'shared.', 'routed.'];
const SIGMOID_CELLS = ['over.0', 'over.1', 'under.0', 'under.1', 'low.0'];
const D = ['D1.0', 'D1.4', 'D2.0', 'D2.4'];
/** lowest and highest cell of signed values */
const signed = (names: string[]): string[] => each(names, ['.y.0', '.y.1']);

/** What notices, and in which blocks. */
const NOTICED: Record<string, string[]> = {
  'RMSNorm, embedding': ['embedding.x'],
  RMSNorm: each(NORMS, ['r.0', 'r.1']),
  'RMSNorm, RMSNorm rows': each(NORMS, ['S', 'inv.0', 'inv.1']),
  'RMSNorm rows': each(NORMS, D),
  'GeMM, RMSNorm': signed([
    ...NORMS.map((n) => n.slice(0, -1)),
    'wq_a',
    'wkv_a1',
    'wo',
    'w2',
    'shared.w2',
  ]),
  GeMM: [
    'gate_sigmoid.c',
    ...each(
      ['wq_a', 'wq_b1', 'wq_b2', 'wkv_a1', 'wkv_a2', 'wkv_b1', 'wkv_b2', 'wo', 'gate'],
      ['.r.0'],
    ),
    ...each(['', 'shared.'], ['w1.r.0', 'w2.r.0', 'w3.r.0']),
  ],
  'GeMM, attention': signed(['wq_b1', 'wkv_b1', 'wkv_b2', 'mul2']),
  'GeMM, RoPE': signed(['wq_b2', 'wkv_a2']),
  'RoPE, attention': signed(['rope_q', 'rope_k']),
  RoPE: ['rope_q.r.0', 'rope_k.r.0'],
  Softmax: each(
    ['softmax.'],
    ['max.0', 'max.1', 'c', 'exp', 'o.0', 'o.1', 'r.0', 'r.1', 'attained', 'pr.0'],
  ),
  'Softmax, attention': ['softmax.p.0'],
  'Softmax, Softmax rows': each(['softmax.'], ['inv.0', 'rem.0', 'rem.1', 'slack.0', 'slack.1']),
  attention: ['mul2.r.0'],
  'GeMM, Sigmoid': [
    ...each(['', 'shared.'], ['sigmoid.c', ...each(['sigmoid.'], SIGMOID_CELLS)]),
    ...signed(['w3', 'act', 'shared.w3', 'shared.act']),
    ...each(['gate_sigmoid.'], SIGMOID_CELLS),
  ],
  Sigmoid: [
    'gate_sigmoid.low2.0',
    ...each(GLUS, [
      'sigmoid.sigmoid',
      'sigmoid.low2.0',
      'silu.y.0',
      'silu.y.1',
      'silu.r.0',
      'act.r.0',
    ]),
  ],
  'top-k experts': [
    'gate_sigmoid.sigmoid',
    ...each(['group_top2.', 'experts.'], ['s', 'tau', 'd.0', 'd.1']),
  ],
  'top-k experts, top-k groups': ['group.value', 'group.s'],
  'top-k groups': ['group.tau', 'group.d.0', 'group.d.1'],
  'MoE GeMM, MoE slots, top-k experts': ['slots.selection'],
  'MoE slots, MoE weights': ['slots.score'],
  'MoE combine, MoE weights': ['slots.weight.0', 'slots.weight.1'],
  'MoE weights': each(['slots.'], ['rem.0', 'rem.1', 'slack.0', 'slack.1']),
  'MoE GeMM, Sigmoid': [
    'routed.sigmoid.c',
    ...each(['routed.sigmoid.'], SIGMOID_CELLS),
    ...signed(['routed.w3', 'routed.act']),
  ],
  'MoE GeMM': ['routed.w1.r.0', 'routed.w3.r.0', 'routed.w2.r.0'],
  'MoE GeMM, MoE combine': signed(['routed.w2']),
  'MoE combine, RMSNorm': signed(['routed.weighted']),
  'MoE combine': ['routed.weighted.r.0'],
  argmax: each(['head.'], ['top.0', 'top.1', 'top.2', 'd.0', 'd.3']),
  // The only ones left to the lookups.
  fractions: ['exp.multiplicities', 'sigmoid.multiplicities', 'range.multiplicities'],
};

/** Cells between the lowest and the highest of a value: the same tensor, other weights. */
const BETWEEN = /\.D[12]\.[123]$|^head\.d\.[12]$/;

let h: Honest;
let blocks: Blocks;
beforeAll(async () => {
  h = await honestRun();
  blocks = new Blocks(h);
});
afterAll(() => h.dispose());

const short = (name: string): string => name.replace(/^layers\.\d+\./, '');

/** An entry that no mask hides: an output position, a key before it, no padding. */
function entry(name: string): number {
  const at = blocks.dims(name).map((d) => {
    if (d.name === 't') return 3;
    if (d.name === 'entry') return 77;
    return d.size > 1 ? 1 : 0;
  });
  return blocks.at(name, ...at);
}

describe('one changed entry of the witness', () => {
  it('is tried in every block', () => {
    const all = new Set(blocks.names.map(short));
    const tried = Object.values(NOTICED).flat();
    expect(new Set(tried).size).toBe(tried.length);
    expect([...all].filter((n) => !tried.includes(n) && !BETWEEN.test(n))).toEqual([]);
    expect(tried.filter((n) => !all.has(n))).toEqual([]);
  });

  it('an honest witness passes', async () => {
    expect(await failures(h, { until: 'opening' })).toEqual([]);
  });

  it.each(Object.entries(NOTICED))('%s', async (components, names) => {
    const cells = new Set(
      h.unit.builder.witness.list().flatMap((e) => (e.region === 'cell' ? [e.name] : [])),
    );
    for (const part of names) {
      const name = present(
        blocks.names.find((n) => short(n) === part),
        part,
      );
      const i = entry(name);
      const noticed = await failures(h, {
        ints: (ints) => (ints[i] = cells.has(name) ? ints[i] ^ 1n : ints[i] + 1n),
        keepMultiplicities: part.endsWith('multiplicities'),
        until: components === 'fractions' ? 'opening' : 'lookups',
      });
      expect({ name, noticed: noticed.join(', ') }).toEqual({ name, noticed: components });
    }
  });

  it('passes where nothing reads it: masked softmax cells, the last position’s winner, thresholds’ slack', async () => {
    // Keys after the query: c, e in the table but not in the sum; o and r multiplied by the mask.
    const masked = (part: string): number => blocks.at(`layers.0.softmax.${part}`, 1, 3, 5);
    expect(
      await failures(h, {
        ints: (ints) => {
          ints[masked('r.0')] = 7n;
          ints[masked('c')] = 0n;
          ints[masked('exp')] = 65536n;
        },
        until: 'opening',
      }),
    ).toEqual([]);
    // No output follows the last positions.
    expect(
      await failures(h, {
        ints: (ints) => (ints[blocks.at('head.top.0', 7)] = 9n),
        until: 'opening',
      }),
    ).toEqual([]);
    // Any threshold between two selected keys' bounds does: tau + 1 with all differences moved.
    const t = 3;
    expect(
      await failures(h, {
        ints: (ints) => {
          const group = (part: string, g: number): number =>
            blocks.at(`layers.1.group.${part}`, t, g);
          const selected = ints[group('s', 0)] === 1n ? 0 : 1;
          ints[blocks.at('layers.1.group.tau', t)] -= 1n;
          ints[group('d.0', selected)] += 1n;
          ints[group('d.0', 1 - selected)] -= 1n;
        },
        until: 'opening',
      }),
    ).toEqual([]);
  });
});
