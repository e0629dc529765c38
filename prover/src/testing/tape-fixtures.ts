/**
 * @module testing/tape-fixtures
 * Fingerprints of circuits: what a change that means to keep every circuit must leave as it is. None of this compiles anything.
 */
import { importCheckpoint, Model } from '@attensor/inference';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Segment } from '../circuits/planner.js';
import { planModelScript } from '../commitment/model-commitment.js';
import { planComponent } from '../component-prover.js';
import type { Tape } from '../protocol/tape.js';
import { componentByName, type Sizes } from '../units/catalog.js';

export interface TapeFixture {
  /** SHA-256 of all operations in order */
  tape: string;
  operations: number;
  /** planned rows of each segment */
  rows: number[];
}

const HERE = dirname(fileURLToPath(import.meta.url));
/** Sources are beside the compiled tests: `dist` holds no fixtures. */
const SOURCES = join(HERE, '../../src');

/** SHA-256 of all operations of a tape in order, the messages of its checks left out: they are no part of a circuit. */
export function tapeDigest({ ops }: Tape): string {
  const hash = createHash('sha256');
  for (const op of ops)
    hash.update(
      `${JSON.stringify(op, (key, value: unknown) =>
        key === 'message' ? undefined : typeof value === 'bigint' ? value.toString(16) : value,
      )}\n`,
    );
  return hash.digest('hex');
}

const fixtureOf = ({ tape, segments }: { tape: Tape; segments: Segment[] }): TapeFixture => ({
  tape: tapeDigest(tape),
  operations: tape.ops.length,
  rows: segments.map((s) => s.rows),
});

/** Of a model in `models/`, at a capacity. */
export async function modelFixture(name: string, capacity: number): Promise<TapeFixture> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-fixture-'));
  try {
    await importCheckpoint(join(HERE, '../../../models', name), join(dir, 'model'));
    const { config } = await Model.open(join(dir, 'model'));
    return fixtureOf(await planModelScript(config, capacity));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Of a component of the catalog, at the rate that its plan takes. */
export async function componentFixture(name: string, sizes: Sizes = {}): Promise<TapeFixture> {
  const { circuits } = await planComponent(componentByName(name, sizes));
  return fixtureOf(circuits);
}

/** @returns a file of `prover/src/fixtures` */
export const fixtures = async <T>(file: string): Promise<T> =>
  JSON.parse(await readFile(join(SOURCES, 'fixtures', file), 'utf8')) as T;
