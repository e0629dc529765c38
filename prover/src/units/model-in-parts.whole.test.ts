/** A whole model whose weights are committed in parts: commitment, files, messages, and the plain verifier. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate, importCheckpoint, Model } from '@attensor/inference';
import { engine } from '@attensor/native';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  commitModel,
  modelScript,
  openWeights,
  type WholeCommitment,
} from '../commitment/model-commitment.js';
import type { CommittedWeights } from '../commitment/weights.js';
import { nativeSteps, replay, type Transcript } from '../proof-steps.js';
import { P } from '../protocol/field.js';
import { permute } from '../protocol/poseidon.js';
import { VerificationError } from '../protocol/tape.js';
import { Scheduler } from '../steps.js';
import { NO_STORE } from '../store.js';

const CHECKPOINT = fileURLToPath(new URL('../../../models/tiny', import.meta.url));
const CAPACITY = 2;
const PART_LOG = 18;

let dir: string;
let model: Model;
let committed: WholeCommitment;
let planned: ReturnType<typeof modelScript>;
let weights: CommittedWeights<Model>;
let proved: Transcript;

beforeAll(async () => {
  dir = join(await mkdtemp(join(tmpdir(), 'attensor-parts-')), 'model');
  await importCheckpoint(CHECKPOINT, dir);
  model = await Model.open(dir);
  committed = await commitModel(engine, model, { capacity: CAPACITY, partLog: PART_LOG });
  planned = modelScript(model.config, committed.capacity, committed);
  weights = await openWeights(engine, planned, model, committed);
  const promptIds = [model.config.bos ?? 0];
  const request = { promptIds, outputIds: await generate(model, promptIds, CAPACITY - 1) };
  const { messages } = nativeSteps(
    { prover: engine, model: 'native' },
    planned.unit,
    planned.script,
    [request],
    { root: weights.root, open: async () => weights },
  );
  proved = await new Scheduler(NO_STORE).get(messages);
});
afterAll(() => rm(join(dir, '..'), { recursive: true, force: true }));

describe('a model in parts', () => {
  it('has a tree for each part, and opens its commitment', async () => {
    const { widths } = planned.script.parameters;
    expect(widths.length).toBeGreaterThan(1);
    const trees = (await readdir(dir)).filter((name) => name.startsWith('parameter-tree'));
    expect(trees.sort()).toEqual(widths.map((_, k) => `parameter-tree-${k}.bin`));
    expect(weights.root.toString()).toBe(committed.modelRoot);
  });

  it('is proved and verified', async () => {
    const { statement, session } = proved;
    expect(statement[0]).toBe(weights.root);
    await replay(planned.script, permute, statement, session.messages);
  });

  it('is refused with edited messages, or under another root', async () => {
    const { statement, session } = proved;
    const { messages } = session;
    for (let k = 5; k < messages.length; k += Math.ceil(messages.length / 25)) {
      const edited = messages.map((m, i) => (i === k ? (m + 1n) % P : m));
      await expect(replay(planned.script, permute, statement, edited)).rejects.toThrow(
        VerificationError,
      );
    }
    const other = [statement[0] + 1n, ...statement.slice(1)];
    await expect(replay(planned.script, permute, other, messages)).rejects.toThrow(
      VerificationError,
    );
  });

  it('does not open with the tree of another part', async () => {
    await copyFile(join(dir, 'parameter-tree-1.bin'), join(dir, 'parameter-tree-0.bin'));
    await expect(openWeights(engine, planned, model, committed)).rejects.toThrow();
  });
});
