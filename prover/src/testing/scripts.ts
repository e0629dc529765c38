/** Scripts of small instances of everything that is proved, for tests that record them. */
import { importCheckpoint, Model } from '@attensor/inference';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { planModelScript } from '../commitment/model-commitment.js';
import { Script } from '../script.js';
import { componentByName, type Sizes } from '../units/catalog.js';

/** Of scripts that no circuit is made of: little hashing. */
export const TEST_RATES = { logInvRate: 2, hashingLogInvRate: 2 };

const HERE = dirname(fileURLToPath(import.meta.url));

/** Of a model in `models/`, at a capacity. */
export async function modelScript(name: string, capacity: number): Promise<Script> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-script-'));
  try {
    await importCheckpoint(join(HERE, '../../../models', name), join(dir, 'model'));
    const { config } = await Model.open(join(dir, 'model'));
    return (await planModelScript(config, capacity)).script;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export function componentScript(name: string, sizes: Sizes): Script {
  return new Script(componentByName(name, sizes), TEST_RATES);
}

/** Sizes that are no powers of two where they may be. */
export const SMALL_SIZES: Record<string, Sizes> = {
  embedding: { rows: 3, dim: 11, vocabulary: 5 },
  attn_norm: { rows: 3, dim: 12 },
  q_norm: { rows: 3, dim: 6 },
  RoPE1: { rows: 3, heads: 2, dim: 4 },
  softmax_qk: { rows: 3, heads: 2, dim: 16 },
  sigmoid_gate: { rows: 3, dim: 8 },
  experts_selector: { rows: 3, experts: 8, groups: 4, kept: 2, selected: 2 },
  wkv_a1: { rows: 3, inner: 12, outer: 5 },
  attention: { rows: 3, dim: 12, heads: 2, queries: 6, latent: 5, nope: 8, rope: 4, values: 2 },
};
