/**
 * @module baseline
 * What the kernels should take, in a form that holds on other machines: each kernel's time divided by that of a reference kernel on the
 * same machine, one entry for each instruction set. A clock or a neighbour changes all times alike; a kernel that became slower
 * changes its own.
 */
import { AttensorError } from '@attensor/core';
import { readJson, writeAtomic } from '@attensor/core/files';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** A line of `npm run bench -- kernels --json`. */
export interface Measured {
  name: string;
  unit: string;
  value: number;
  /** A rate counts more as better, a time less. */
  rate: boolean;
}

/** An accumulated product is what most kernels consist of. In the first two cache levels, on one thread: nothing else moves it. */
export const REFERENCE = 'Fp product and sum';
/** Memory and caches differ between machines of one instruction set; a kernel that lost its vector code is slower than this. */
export const TOLERANCE = 2;

const ratios = z.record(z.string(), z.number().positive());
const schema = z.strictObject({
  /** log2 of the vectors' length and the number of threads that the ratios are of */
  log: z.number().int(),
  threads: z.number().int(),
  instructionSets: z.record(
    z.string(),
    z.strictObject({ processor: z.string(), revision: z.string(), ratios }),
  ),
});
export type Baseline = z.infer<typeof schema>;

export const BASELINE_FILE = fileURLToPath(new URL('../baseline.json', import.meta.url));

const REFRESH = 'Measure it on a quiet machine: npm run bench -- kernels --refresh-baseline';

export const readBaseline = (path = BASELINE_FILE): Promise<Baseline> =>
  readJson({ path, schema, code: 'BAD_FILE', hint: REFRESH });

export const writeBaseline = (baseline: Baseline, path = BASELINE_FILE): Promise<void> =>
  writeAtomic(path, `${JSON.stringify(baseline, null, 2)}\n`);

/** Each kernel's time by the reference kernel's; its unit cancels only against the same kernel's ratio. */
export function ratiosOf(lines: Measured[]): Record<string, number> {
  const time = ({ value, rate }: Measured): number => (rate ? 1 / value : value);
  const reference = lines.find(({ name }) => name === REFERENCE);
  if (reference === undefined) throw new RangeError(`baseline: no kernel '${REFERENCE}'`);
  return Object.fromEntries(
    lines
      .filter((line) => line !== reference)
      .map((line) => [line.name, Number((time(line) / time(reference)).toPrecision(3))]),
  );
}

export interface Comparison {
  name: string;
  /** times as long as the baseline has it, in units of the reference kernel */
  factor: number;
  slow: boolean;
}

/**
 * @returns every kernel, the one that lost most first
 * @throws AttensorError NOT_FOUND when the baseline does not know the instruction set; BAD_FILE when it has other kernels
 */
export function compare(
  baseline: Baseline,
  instructionSet: string,
  lines: Measured[],
): Comparison[] {
  const where = 'bench/baseline.json';
  if (!Object.hasOwn(baseline.instructionSets, instructionSet))
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the baseline has no ratios of this instruction set',
      where,
      expected: `one of ${Object.keys(baseline.instructionSets).join(', ')}`,
      got: instructionSet,
      hint: REFRESH,
    });
  const { ratios: expected } = baseline.instructionSets[instructionSet];
  const found = ratiosOf(lines);
  const names = (of: object): string => Object.keys(of).sort().join(', ');
  if (names(expected) !== names(found))
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the baseline has other kernels than are measured',
      where,
      expected: names(found),
      got: names(expected),
      hint: REFRESH,
    });
  return Object.entries(found)
    .map(([name, ratio]) => {
      const factor = ratio / expected[name];
      return { name, factor, slow: factor > TOLERANCE };
    })
    .sort((a, b) => b.factor - a.factor);
}
