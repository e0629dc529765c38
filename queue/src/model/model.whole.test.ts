/** The messages of a small model by a worker, and what becomes of messages that are not right. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate, importCheckpoint, Model } from '@attensor/inference';
import { engine } from '@attensor/native';
import {
  COMMITMENT_FILE,
  commitModel,
  InferenceProver,
  type CommitmentFile,
} from '@attensor/prover';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArtifactStore } from '../artifacts/artifact-store.js';
import { BadInput, StepInputs } from '../kind.js';
import { Plan } from '../plan.js';
import { runPlan } from '../run-plan.js';
import { QueueServer } from '../server.js';
import { redisServer, type TestServer } from '../testing/servers.js';
import { StepWorker } from '../worker.js';
import { kinds } from './kinds.js';
import { KIND, MESSAGES, modelPlan } from './model-plan.js';
import { MODEL_KINDS } from './prove-on-queue.js';

const NANO = fileURLToPath(new URL('../../../models/nano', import.meta.url));
const CAPACITY = 4;
const FIELD_BYTES = 32;

describe('a model on a queue', () => {
  let dir: string;
  let redis: TestServer;
  let server: QueueServer;
  let store: ArtifactStore;
  let inference: InferenceProver;
  let commitment: CommitmentFile;
  let request: { promptIds: number[]; outputIds: number[] };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'attensor-queue-model-'));
    await importCheckpoint(NANO, join(dir, 'nano'));
    const model = await Model.open(join(dir, 'nano'));
    commitment = await commitModel(engine, model, { capacity: CAPACITY });
    const promptIds = [3, 5];
    request = { promptIds, outputIds: await generate(model, promptIds, 2) };
    store = await ArtifactStore.open(join(dir, 'artifacts'), undefined);
    redis = await redisServer();
    server = await QueueServer.connect(redis.address);
  });
  afterAll(async () => {
    await server.close();
    await redis.remove();
    await rm(dir, { recursive: true, force: true });
  });

  it('is not proved before its circuits have a key', async () => {
    inference = await InferenceProver.load(join(dir, 'nano'));
    await expect(modelPlan(store, inference, request)).rejects.toMatchObject({
      code: 'NOT_COMMITTED',
    });
    // any key will do for messages
    const file = { ...commitment, verifierKeyHash: '1' };
    await writeFile(join(dir, 'nano', COMMITMENT_FILE), JSON.stringify(file));
    inference = await InferenceProver.load(join(dir, 'nano'));
    await expect(
      modelPlan(store, inference, { promptIds: [], outputIds: [1] }),
    ).rejects.toMatchObject({ code: 'EMPTY_PROMPT' });
  });

  it('has its messages made by a worker, and checked before a circuit reads them', async () => {
    const plan = await modelPlan(store, inference, request);
    expect(plan.json.steps.map(({ name }) => name).slice(0, 3)).toEqual([
      'keys',
      'messages',
      'circuit-0',
    ]);
    const only = await Plan.put(store, { ...plan.json, steps: [plan.step(MESSAGES)] });
    const worker = await StepWorker.start(server, {
      ...{ artifacts: join(dir, 'artifacts'), cacheDir: join(dir, 'cache'), kinds: MODEL_KINDS },
      ...{ concurrency: 1, memory: 8 * 2 ** 30, device: 'cpu' },
    });
    const { result } = await runPlan(server, store, only);
    await worker.close();
    const fields = fieldsOf(result);
    const { length } = inference.unit.statement.names;
    const [statement, messages] = [fields.slice(0, length), fields.slice(length)];
    await inference.prover.replay(statement, messages);
    expect(statement[0]).toBe(BigInt(commitment.modelRoot));

    /** What a circuit says to messages that a worker gave. */
    const circuit = async (bytes: Uint8Array, of = plan) => {
      const inputs = new StepInputs(store, { messages: await store.put(bytes) });
      const common = { artifacts: store, cacheDir: join(dir, 'cache'), progress: () => undefined };
      return kinds[KIND].run({ plan: of, step: 'circuit-0', inputs, ...common });
    };
    const flipped = Buffer.from(result);
    flipped[flipped.length - 1] ^= 1;
    for (const bytes of [flipped, result.subarray(0, -FIELD_BYTES), Buffer.alloc(0)])
      await expect(circuit(bytes)).rejects.toEqual(new BadInput(MESSAGES, 'it does not verify'));
    // these verify, and are of another request
    const other = await modelPlan(store, inference, { ...request, promptIds: [3, 6] });
    await expect(circuit(result, other)).rejects.toEqual(
      new BadInput(MESSAGES, 'they are of something else than the request'),
    );
  });
});

function fieldsOf(bytes: Uint8Array): bigint[] {
  const hex = Buffer.from(bytes).toString('hex');
  return Array.from({ length: bytes.length / FIELD_BYTES }, (_, k) =>
    BigInt(`0x${hex.slice(2 * FIELD_BYTES * k, 2 * FIELD_BYTES * (k + 1))}`),
  );
}
