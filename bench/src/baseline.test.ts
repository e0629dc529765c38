import { describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  compare,
  ratiosOf,
  readBaseline,
  REFERENCE,
  TOLERANCE,
  writeBaseline,
  type Baseline,
  type Measured,
} from './baseline.js';

/** Of a machine that takes `slowness` times as long for everything. */
const measured = (slowness: number, slower: Record<string, number> = {}): Measured[] =>
  [
    { name: REFERENCE, unit: 'ns', value: 5, rate: false },
    { name: 'a time', unit: 'us', value: 2.5, rate: false },
    { name: 'a rate', unit: 'M/s', value: 200, rate: true },
  ].map((line) => {
    const factor = slowness * (slower[line.name] ?? 1);
    return { ...line, value: line.rate ? line.value / factor : line.value * factor };
  });

const baseline: Baseline = {
  ...{ log: 14, threads: 1 },
  instructionSets: { adx: { processor: 'p', revision: 'r', ratios: ratiosOf(measured(1)) } },
};

describe('ratios', () => {
  it('are times by the reference', () => {
    expect(ratiosOf(measured(1))).toEqual({ 'a time': 0.5, 'a rate': 0.001 });
    expect(() => ratiosOf([])).toThrow(REFERENCE);
  });

  it('are the same on a machine that is slower in everything', () => {
    for (const slowness of [0.3, 1, 7])
      expect(
        compare(baseline, 'adx', measured(slowness)).map(({ factor }) => factor.toFixed(6)),
      ).toEqual(['1.000000', '1.000000']);
  });

  it.each(['a time', 'a rate'])('tell of a kernel that became slower: %s', (name) => {
    const [worst, other] = compare(baseline, 'adx', measured(3, { [name]: TOLERANCE * 1.1 }));
    expect(worst).toMatchObject({ name, slow: true });
    expect(other.slow).toBe(false);
    const [within] = compare(baseline, 'adx', measured(3, { [name]: TOLERANCE * 0.9 }));
    expect(within).toMatchObject({ name, slow: false });
  });

  it('of another instruction set or of other kernels are not compared', () => {
    expect(() => compare(baseline, 'ifma', measured(1))).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND', got: 'ifma' }),
    );
    expect(() => compare(baseline, 'adx', measured(1).slice(0, 2))).toThrow(
      expect.objectContaining({ code: 'BAD_FILE', expected: 'a time' }),
    );
  });
});

describe('the file', () => {
  it('is read as written, and refused when it is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'attensor-baseline-'));
    const path = join(folder, 'baseline.json');
    await writeBaseline(baseline, path);
    expect(await readBaseline(path)).toEqual(baseline);
    await writeFile(path, '{"log": 14}');
    await expect(readBaseline(path)).rejects.toMatchObject({ code: 'BAD_FILE' });
    await rm(folder, { recursive: true });
  });

  it('that is committed knows every instruction set', async () => {
    const { instructionSets } = await readBaseline();
    expect(Object.keys(instructionSets)).toEqual(['portable', 'adx', 'avx2', 'ifma']);
  });
});
