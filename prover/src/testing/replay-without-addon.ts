/**
 * @module testing/replay-without-addon
 * A program for a process with ATTENSOR_ADDON=none. Standard input: a shape, a statement and the prover's messages, serialized by
 * node:v8. It imports the package as a verifier does, replays the messages, and prints what came of it.
 */
import { deserialize } from 'node:v8';
import { engine } from '@attensor/native';
import type { ModelConfig } from '@attensor/inference';
import { modelScript, replay, VerificationError } from '../index.js';
import { hashesByGkr } from '../components/row-hashes.js';
import { permute } from '../protocol/poseidon.js';
import { Session } from '../protocol/session.js';
import type { CommitmentNumbers } from '../units/unit.js';

const chunks: Buffer[] = [];
for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
const { shape, statement, messages } = deserialize(Buffer.concat(chunks)) as {
  shape: { config: ModelConfig; capacity: number; numbers: CommitmentNumbers };
  statement: bigint[];
  messages: bigint[];
};

/** `fine`, or what it throws. */
const outcome = async (fine: string, run: () => unknown): Promise<string> => {
  try {
    await run();
    return fine;
  } catch (error) {
    if (error instanceof VerificationError) return 'VerificationError';
    return (error as { code?: string }).code ?? String(error);
  }
};

const verify = (values: bigint[]): Promise<unknown> =>
  replay(
    modelScript(shape.config, shape.capacity, shape.numbers).script,
    permute,
    statement,
    values,
  );

/** Rows of the embedding that are hashed by GKR, whose script takes hashes and parameters of Poseidon itself. */
async function recordLongRows(): Promise<void> {
  let capacity = shape.capacity;
  while (!hashesByGkr(capacity, shape.config.hiddenSize)) capacity *= 2;
  const config = { ...shape.config, maxPositions: Math.max(capacity, shape.config.maxPositions) };
  const numbers = { ...shape.numbers, logSize: 27 };
  await modelScript(config, capacity, numbers).script.run(new Session({}));
}

console.log(
  JSON.stringify({
    engine: await outcome('loaded', () => engine.permute([0n, 0n, 0n])),
    honest: await outcome('accepted', () => verify(messages)),
    changed: await outcome('accepted', () =>
      verify(messages.map((m, k) => (k === messages.length >> 1 ? m + 1n : m))),
    ),
    longRows: await outcome('recorded', recordLongRows),
  }),
);
