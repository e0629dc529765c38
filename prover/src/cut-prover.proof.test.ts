/**
 * A model of three units through Pickles: seven proofs, one of each kind of join among them. They are made once, interrupted on the way.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { defaultCacheDir } from '@attensor/core/files';
import { InferenceProof } from '@attensor/contracts';
import { engine } from '@attensor/native';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { setBackend, type JsonProof } from 'o1js';
import { proveLift, unitJoins } from './circuits/joins.js';
import { commitWithin } from './commitment/cut-commitment.js';
import type { CutCommitment } from './commitment/model-commitment.js';
import type { TokenInput } from './components/tokens.js';
import { CutProver } from './cut-prover.js';
import { provingBytes } from './estimate.js';
import { verifyProofFile } from './proof-file.js';
import { Script } from './script.js';
import { smallModel, type SmallModel } from './testing/small-model.js';
import { layersUnit } from './units/layers.js';
import { fieldsOf, lift, unitFields } from './units/joins.js';
import { statementFrom, UnitStatement } from './units/statements.js';

const CAPACITY = 4;
/** So high that each unit takes one circuit. The vocabulary makes the whole model a little larger than its layers. */
const RATES = { logInvRate: 4, hashingLogInvRate: 6 };
const UNITS = 3;
/** A circuit of each unit, a pair, a lifted unit, a join of both, and the model's. */
const PROOFS = UNITS + 4;

let small: SmallModel;
let committed: CutCommitment;
let prover: CutProver;
let answer: TokenInput;
let jobs: string;
let earlier: Set<string>;

beforeAll(async () => {
  setBackend('native');
  small = await smallModel(1, { num_hidden_layers: 2, vocab_size: 1024 });
  const { model } = small;
  const layers = layersUnit(model.config, CAPACITY, { kind: 'moe', count: 2 });
  const memory = provingBytes(new Script(layers, RATES));
  const limits = { capacity: CAPACITY, memory, rates: RATES };
  const made = await commitWithin(engine, model, limits);
  if (!('units' in made)) throw new Error('the model was not cut');
  committed = made;
  const cacheDir = process.env.ATTENSOR_TEST_CACHE ?? defaultCacheDir();
  jobs = joinPath(cacheDir, 'jobs');
  earlier = new Set(await readdir(jobs).catch(() => []));
  prover = await CutProver.of(model, committed, { cacheDir });
  answer = await small.answer([17]);
});
afterAll(() => small.dispose());

/** What this proof has left behind so far. */
const left = async (): Promise<string[]> =>
  (await readdir(jobs).catch(() => [])).filter((name) => !earlier.has(name));

async function leftOf(step: string): Promise<string> {
  const names = (await left()).filter((name) => name.startsWith(`${step}-`));
  expect(names).toHaveLength(1);
  return joinPath(jobs, names[0]);
}

describe('a model in units, through Pickles', () => {
  let leftProof: JsonProof;

  it('is interrupted after its first join', async () => {
    const stop = new AbortController();
    await expect(
      prover.prove(answer, {
        signal: stop.signal,
        onProgress({ message }) {
          if (message === 'join 2 of 3') stop.abort(new Error('stopped'));
        },
      }),
    ).rejects.toThrow('stopped');
    const kept = await readFile(await leftOf(`unit-${UNITS - 1}-circuit-0`));
    leftProof = JSON.parse(kept.subarray(0, -32).toString()) as JsonProof;
    // half a file, as of a process that was killed while it wrote without care
    const join = await leftOf('join-0-1');
    await writeFile(join, (await readFile(join)).subarray(0, 1000));
  });

  it('goes on where it stopped, and has the statement, key and file of any model', async () => {
    const { file, pickles, resumed, rows } = await prover.prove(answer);
    expect({ pickles, resumed, circuits: rows.length }).toEqual({
      pickles: PROOFS - UNITS,
      resumed: true,
      circuits: UNITS,
    });
    expect(file.proof.maxProofsVerified).toBe(InferenceProof.maxProofsVerified);
    const { verifierKeyHash } = prover.commitment;
    const verdict = await verifyProofFile(file, {
      ...{ commitment: { ...committed, verifierKeyHash } },
      ...answer,
    });
    expect(verdict).toMatchObject({ result: 'valid' });
    expect(verdict.checked).toEqual([
      ...['modelRoot', 'vocabularyRoot', 'verifierKeyHash', 'inputHash', 'outputHash', 'proof'],
    ]);
    const other = await verifyProofFile(file, { commitment: committed, promptIds: [18] });
    expect(other.valid).toBe(false);
    expect(await left()).toEqual([]);
  });

  it('takes no proof for a statement that it does not have', async () => {
    const { verificationKey: key } = await prover.provers[UNITS - 1].compile();
    const edited = leftProof.publicInput.map((v, i) => (i === 1 ? String(BigInt(v) + 1n) : v));
    const proof = await unitJoins.Proof.fromJSON({ ...leftProof, publicInput: edited });
    const fields = lift({ fields: unitFields(edited.map(BigInt)), key: key.hash.toBigInt() });
    const statement = statementFrom(UnitStatement, fieldsOf(fields));
    await expect(proveLift(statement, { proof, key })).rejects.toThrow('Constraint unsatisfied');
  });
});
