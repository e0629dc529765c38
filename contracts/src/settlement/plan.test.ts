import { describe, expect, it } from '@jest/globals';
import { planParts, proofsOf } from './plan.js';

const methods = (from: number, to: number, known: [number, number][] = []) =>
  planParts(
    { from, to },
    known.map(([from, to]) => ({ from, to })),
  ).map((part) => [part.from, part.to, part.method]);

describe('the plan of a settlement', () => {
  it('takes a block of 64 where it suffices, else one of 512', () => {
    expect(methods(0, 1)).toEqual([[0, 1, 'few']]);
    expect(methods(0, 64)).toEqual([[0, 64, 'few']]);
    expect(methods(0, 65)).toEqual([[0, 65, 'many']]);
    expect(methods(63, 65)).toEqual([[63, 65, 'many']]);
    expect(methods(64, 128)).toEqual([[64, 128, 'few']]);
    expect(methods(500, 520)).toEqual([
      [500, 512, 'few'],
      [512, 520, 'few'],
    ]);
    expect(methods(5, 5)).toEqual([]);
  });

  it('needs one proof for 100 submissions, three for 1,000, and 39 for 10,000', () => {
    const proofs = (from: number, to: number) => proofsOf(planParts({ from, to }, []));
    expect(proofs(0, 100)).toBe(1);
    expect(proofs(0, 1000)).toBe(3);
    expect(proofs(700, 1700)).toBe(5);
    expect(proofs(0, 10_000)).toBe(39);
  });

  it('uses what is proved, the longest first, and fills the gaps', () => {
    const known: [number, number][] = [
      [0, 512],
      [512, 1024],
      [0, 1024],
    ];
    expect(methods(0, 1500, known)).toEqual([
      [0, 1024, 'known'],
      [1024, 1500, 'many'],
    ]);
    // others have settled 200 of them meanwhile
    expect(methods(200, 1500, known)).toEqual([
      [200, 512, 'many'],
      [512, 1024, 'known'],
      [1024, 1500, 'many'],
    ]);
  });

  it('uses nothing that goes beyond the settlement, or is empty', () => {
    const known: [number, number][] = [
      [0, 11],
      [3, 3],
      [20, 30],
    ];
    expect(methods(0, 10, known)).toEqual([[0, 10, 'few']]);
  });
});
