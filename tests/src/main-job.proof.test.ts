/**
 * The main job on the small checkpoint with real proofs: prompt -> exact inference -> one proof -> attestation -> verification, and
 * what must be refused on the way. Everything heavy happens once, in beforeAll.
 */
import { present } from '@attensor/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  AttestationContract,
  checkAttestation,
  Commitment,
  InferenceProof,
  inputHash,
  outputHash,
  readAttestations,
  readContract,
  Statement,
} from '@attensor/contracts';
import { contractKeys } from '@attensor/contracts/testing';
import { generate, importCheckpoint, Model, openTokenizer } from '@attensor/inference';
import { engine } from '@attensor/native';
import {
  commitModel,
  FileStore,
  InferenceProver,
  parseProofFile,
  readSecret,
  SECRET_FILE,
  segmentInput,
  segmentName,
  verifyProofFile,
  type ProofFile,
  type ProveResult,
} from '@attensor/prover';
import { AccountUpdate, Field, Mina, setBackend, VerificationKey, type PublicKey } from 'o1js';
import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shareAnswer } from './run-folder.js';

setBackend('native');

const CAPACITY = 8;
const PROMPT = [510, 73, 110];
const PROMPT_TEXT = 'In';
const CHECKPOINT = fileURLToPath(new URL('../../models/nano', import.meta.url));

const COMMAND = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

let dir: string;
let cacheDir: string;
let prover: InferenceProver;
let output: number[];
let result: ProveResult;
let interruptedAt: string;
let unfinished: unknown;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'attensor-main-'));
  cacheDir = join(dir, 'cache');
  const modelDir = join(dir, 'model');
  await importCheckpoint(CHECKPOINT, modelDir);
  const model = await Model.open(modelDir);
  await commitModel(engine, model, { capacity: CAPACITY });
  output = await generate(model, PROMPT, CAPACITY - PROMPT.length);
  prover = await InferenceProver.load(modelDir, { cacheDir });
  await prover.compile();

  // The first run is interrupted before the second segment; the next one goes on from there.
  const abort = new AbortController();
  let segments = 0;
  await prover
    .prove(
      { promptIds: PROMPT, outputIds: output },
      {
        signal: abort.signal,
        onProgress: ({ stage }) => {
          if (stage === 'circuit' && ++segments === 1) abort.abort();
        },
      },
    )
    .catch((error: Error) => (interruptedAt = error.name));
  const jobs = join(cacheDir, 'jobs');
  const kept = (await readdir(jobs)).find((name) => name.startsWith('circuit-0-')) ?? 'none';
  const bytes = await new FileStore(jobs).get(kept);
  unfinished = JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  const tokenizer = await openTokenizer(modelDir, model.config);
  expect(tokenizer.encodePrompt(PROMPT_TEXT)).toEqual(PROMPT);
  const answer = tokenizer.decode(output);
  result = await prover.prove({
    promptIds: PROMPT,
    outputIds: output,
    text: { prompt: PROMPT_TEXT, output: answer, promptIds: PROMPT, outputIds: output },
  });
  await shareAnswer(modelDir, result.file, { prompt: PROMPT_TEXT, answer });
});

afterAll(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** A copy with one change. */
const edited = (change: (file: ProofFile) => void): ProofFile => {
  const copy = structuredClone(result.file);
  change(copy);
  return copy;
};
const bump = (field: string): string => Field(field).add(1).toString();

describe('prove and verify', () => {
  test('the proof is valid for its commitment, prompt and output', async () => {
    const verdict = await verifyProofFile(result.file, {
      commitment: prover.commitment,
      promptIds: PROMPT,
      outputIds: output,
    });
    expect(verdict.reason).toBeUndefined();
    expect(verdict.valid).toBe(true);
    expect(verdict.checked).toEqual(
      expect.arrayContaining([
        'modelRoot',
        'vocabularyRoot',
        'verifierKeyHash',
        'inputHash',
        'outputHash',
        'proof',
      ]),
    );
  });

  test('the command verifies it where there is no native code', async () => {
    const file = join(dir, 'proof.json');
    await writeFile(file, JSON.stringify(result.file));
    const verify = (...options: string[]) =>
      spawnSync(process.execPath, [COMMAND, 'verify', file, '--json', ...options], {
        env: { ...process.env, ATTENSOR_ADDON: 'none', ATTENSOR_CACHE: cacheDir },
        encoding: 'utf8',
      });
    const trusted = verify('--verifier-key-hash', present(prover.commitment.verifierKeyHash));
    expect(JSON.parse(trusted.stdout)).toMatchObject({ result: 'valid', valid: true });
    expect(trusted.status).toBe(0);
    // Nobody said whose circuits they are.
    const own = verify();
    expect(JSON.parse(own.stdout)).toMatchObject({ result: 'unverified program', valid: false });
    expect(own.status).toBe(4);
  });

  test('the statement is what anyone computes from commitment and tokens', () => {
    expect(result.file.statement).toEqual({
      modelRoot: prover.commitment.modelRoot,
      vocabularyRoot: prover.commitment.vocabularyRoot,
      inputHash: inputHash(PROMPT).toString(),
      outputHash: outputHash(output).toString(),
    });
  });

  test('an interrupted run kept its finished segment and its files are gone after the proof is whole', async () => {
    expect(interruptedAt).toBe('AbortError');
    expect(result.resumed).toBe(true);
    expect(result.pickles).toBe(result.rows.length - 1);
    expect(await readdir(join(cacheDir, 'jobs'))).toEqual([]);
  });

  test('the file stays below 40 kB and survives a round trip', () => {
    const text = JSON.stringify(result.file);
    expect(text.length).toBeLessThan(40_000);
    expect(parseProofFile(text)).toEqual(result.file);
  });
});

describe('refused', () => {
  const cases: [string, (f: ProofFile) => void, string][] = [
    [
      'another model root in the statement',
      (f) => (f.statement.modelRoot = bump(f.statement.modelRoot)),
      'states something else',
    ],
    [
      'another output hash in statement and proof',
      (f) => {
        f.statement.outputHash = bump(f.statement.outputHash);
        f.proof.publicInput[3] = f.statement.outputHash;
      },
      'does not verify',
    ],
    ['a changed public output', (f) => (f.proof.publicOutput[0] = '1'), 'unfinished'],
    [
      'a changed key hash',
      (f) => (f.verificationKey.hash = bump(f.verificationKey.hash)),
      'verification key',
    ],
    [
      'a changed proof',
      (f) => {
        const at = Math.floor(f.proof.proof.length / 2);
        f.proof.proof =
          f.proof.proof.slice(0, at) +
          (f.proof.proof[at] === 'A' ? 'B' : 'A') +
          f.proof.proof.slice(at + 1);
      },
      'proof',
    ],
    ['a cut proof', (f) => (f.proof.proof = f.proof.proof.slice(0, 1000)), 'proof'],
  ];
  test.each(cases)('%s', async (_name, change, reason) => {
    const verdict = await verifyProofFile(edited(change));
    expect(verdict.valid).toBe(false);
    expect(verdict.reason).toContain(reason);
  });

  test('a finished segment alone passed off as the whole proof', async () => {
    const segment = unfinished as ProofFile['proof'];
    const relabelled = edited((f) => (f.proof = { ...segment, publicOutput: ['0'] }));
    expect(
      (await verifyProofFile(edited((f) => (f.proof = { ...segment, maxProofsVerified: 1 }))))
        .reason,
    ).toContain('unfinished');
    expect((await verifyProofFile(relabelled)).valid).toBe(false);
  });

  test('segments of different inferences or models in one chain', async () => {
    const { program, segments } = prover.prover.circuits;
    const first = await program.Proof.fromJSON(unfinished);
    const second = segments[1];
    /** The second segment as `maker` would prove it, after the first one of the proved inference. */
    const splice = async (
      maker: InferenceProver,
      request: { promptIds: number[]; outputIds: number[] },
      statement = maker.statement(request),
    ): Promise<string> => {
      const { session } = await maker.messages(request);
      return program[segmentName(1)](statement, first, segmentInput(session, second)).then(
        () => 'accepted',
        () => 'refused',
      );
    };
    const own = { promptIds: PROMPT, outputIds: output };
    const model = await Model.open(join(dir, 'model'));
    const promptIds = PROMPT.slice(0, 2);
    const another = { promptIds, outputIds: await generate(model, promptIds, 2) };
    expect(await splice(prover, another)).toBe('refused');
    // the values of one inference under the statement of the other
    expect(await splice(prover, another, prover.statement(own))).toBe('refused');

    // The same weights under another salt are another model.
    const otherDir = join(dir, 'other');
    await importCheckpoint(CHECKPOINT, otherDir);
    await commitModel(engine, await Model.open(otherDir), { capacity: CAPACITY });
    const other = await InferenceProver.load(otherDir, { cacheDir });
    expect(other.prover.circuits.name).toBe(prover.prover.circuits.name);
    expect(await splice(other, own)).toBe('refused');
    expect(await splice(other, own, prover.statement(own))).toBe('refused');
  });

  test('other expectations: commitment, key, prompt, output', async () => {
    const { commitment } = prover;
    const verdict = async (expected: Parameters<typeof verifyProofFile>[1]) =>
      (await verifyProofFile(result.file, expected)).reason;
    expect(await verdict({ commitment: { ...commitment, modelRoot: '1' } })).toContain(
      'another model',
    );
    expect(await verdict({ commitment: { ...commitment, vocabularyRoot: '1' } })).toContain(
      'another vocabulary',
    );
    expect(await verdict({ commitment: { ...commitment, verifierKeyHash: '1' } })).toContain(
      'other circuits',
    );
    expect(await verdict({ promptIds: [510, 73] })).toContain('another prompt');
    expect(await verdict({ outputIds: [...output].reverse() })).toContain('another output');
  });

  test('an output the model does not give, requests that do not fit', async () => {
    const wrong = [...output];
    wrong[1] = (wrong[1] + 1) % 512;
    await expect(prover.prove({ promptIds: PROMPT, outputIds: wrong })).rejects.toMatchObject({
      code: 'WRONG_TEXT',
    });
    await expect(
      prover.prove({ promptIds: PROMPT, outputIds: Array(CAPACITY).fill(1) }),
    ).rejects.toMatchObject({
      code: 'TOO_LONG',
    });
    await expect(prover.prove({ promptIds: [], outputIds: [1] })).rejects.toMatchObject({
      code: 'EMPTY_PROMPT',
    });
  });

  test('proof files of another kind or version, and edited ones', () => {
    expect(() => parseProofFile('{')).toThrow(/not JSON/);
    expect(() => parseProofFile('{"format":"zip","version":1}')).toThrow(/not a proof file/);
    const other = JSON.stringify({ ...result.file, version: 3 });
    expect(() => parseProofFile(other)).toThrow(/another version/);
    const extra = JSON.stringify({ ...result.file, extra: 1 });
    expect(() => parseProofFile(extra)).toThrow(/BAD_FILE/);
  });

  test('a secret that others can read', async () => {
    const path = join(prover.model.dir, SECRET_FILE);
    await chmod(path, 0o644);
    await expect(readSecret(prover.model.dir)).rejects.toMatchObject({ code: 'INSECURE_FILE' });
    await chmod(path, 0o600);
    await expect(readSecret(prover.model.dir)).resolves.toBeDefined();
  });
});

describe('on chain', () => {
  let chain: { payer: Mina.TestPublicKey; address: PublicKey };
  beforeAll(async () => {
    const local = await Mina.LocalBlockchain({ proofsEnabled: true });
    Mina.setActiveInstance(local);
    const [payer] = local.testAccounts;
    const owner = Mina.TestPublicKey.random();
    await AttestationContract.compile({ cache: contractKeys() });
    const { modelRoot, vocabularyRoot, verifierKeyHash } = prover.commitment;
    const commitment = new Commitment({
      modelRoot: Field(modelRoot),
      vocabularyRoot: Field(vocabularyRoot),
      verifierKeyHash: Field(present(verifierKeyHash)),
    });
    const transaction = await Mina.transaction(payer, async () => {
      AccountUpdate.fundNewAccount(payer);
      await new AttestationContract(owner).deploy({ commitment });
    });
    await transaction.prove();
    await (await transaction.sign([payer.key, owner.key]).send()).wait();
    chain = { payer, address: owner };
  });

  test('the contract verifies the inference proof and records the attestation', async () => {
    const proof = (await InferenceProof.fromJSON(result.file.proof)) as InferenceProof;
    const { data, hash } = result.file.verificationKey;
    const key = new VerificationKey({ data, hash: Field(hash) });
    const { payer, address } = chain;
    const transaction = await Mina.transaction(payer, async () => {
      await new AttestationContract(address).attest(proof, key);
    });
    await transaction.prove();
    await (await transaction.sign([payer.key]).send()).wait();
    const state = await readContract(address);
    expect(Commitment.toJSON(state.commitment)).toMatchObject({
      modelRoot: prover.commitment.modelRoot,
    });
    const submitted = present((await readAttestations(address)).at(-1));
    expect(Statement.toJSON(submitted.attestation.statement)).toEqual(result.file.statement);
  });

  test('the proof file is found on chain', async () => {
    expect(await checkAttestation(chain.address, result.file, { proof: true })).toMatchObject({
      attested: true,
      settled: false,
      current: true,
      proofValid: true,
    });
  });

  test('an unfinished proof is refused by the contract', async () => {
    const proof = (await InferenceProof.fromJSON(unfinished as never)) as InferenceProof;
    const { data, hash } = result.file.verificationKey;
    const key = new VerificationKey({ data, hash: Field(hash) });
    const { payer, address } = chain;
    await expect(
      Mina.transaction(payer, async () => {
        await new AttestationContract(address).attest(proof, key);
      }),
    ).rejects.toThrow();
  });
});
