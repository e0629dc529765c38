import './testing/native-backend.js';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { AccountUpdate, Field, Mina, Permissions, type Types, VerificationKey } from 'o1js';
import { AttestationContract } from './attestation-contract.js';
import { Commitment } from './commitment.js';
import { inputHash, outputHash } from './hashes.js';
import { COMPLETE, InferenceProof } from './inference-proof.js';
import { readAttestations, readCommitment, readContract } from './read.js';
import { Statement } from './statement.js';
import { impostor, standIn, statementOf } from './testing/stand-in-program.js';

const ROOTS = { modelRoot: 11, vocabularyRoot: 22 };

let payer: Mina.TestPublicKey;
let owner: Mina.TestPublicKey;
let contract: AttestationContract;
let commitment: Commitment;
let standInKey: VerificationKey;
let impostorKey: VerificationKey;
let contractKey: { hash: Field };
let unfinished: InferenceProof;
let finished: InferenceProof;

/** Seconds a step took, printed at the end: the figures of docs come from here. */
const seconds: Record<string, number> = {};

async function timed<T>(name: string, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  seconds[name] = Math.round((performance.now() - start) / 100) / 10;
  return result;
}

/** Proves and sends a transaction that `payer` pays for. */
async function submit(
  run: () => Promise<void>,
  ...signers: Mina.TestPublicKey[]
): Promise<Mina.IncludedTransaction> {
  const transaction = await Mina.transaction(payer, run);
  await transaction.prove();
  const pending = await transaction.sign([payer.key, ...signers.map(({ key }) => key)]).send();
  return await pending.wait();
}

/** No proof at all: for checks that must fail before one is looked at. */
async function unproved(statement: Statement): Promise<InferenceProof> {
  return await InferenceProof.dummy(statement, COMPLETE, 1);
}

beforeAll(async () => {
  const chain = await Mina.LocalBlockchain({ proofsEnabled: true });
  Mina.setActiveInstance(chain);
  [payer] = chain.testAccounts;
  owner = Mina.TestPublicKey.random();
  contract = new AttestationContract(owner);

  standInKey = (await standIn.compile()).verificationKey;
  impostorKey = (await impostor.compile()).verificationKey;
  const compiled = await timed('compile', () => AttestationContract.compile());
  contractKey = compiled.verificationKey;
  commitment = new Commitment({
    modelRoot: Field(ROOTS.modelRoot),
    vocabularyRoot: Field(ROOTS.vocabularyRoot),
    verifierKeyHash: standInKey.hash,
  });

  const statement = statementOf(ROOTS);
  const first = (await standIn.start(statement)).proof;
  const last = (await standIn.finish(statement, first)).proof;
  unfinished = InferenceProof.fromProof(first);
  finished = InferenceProof.fromProof(last);
});

describe('deployment', () => {
  it('needs the signature of the account', async () => {
    const deploy = await Mina.transaction(payer, async () => {
      AccountUpdate.fundNewAccount(payer);
      await contract.deploy({ commitment });
    });
    await timed('deploy', () => deploy.prove());
    const signed = deploy.sign([payer.key, owner.key]);

    const json = JSON.parse(signed.toJSON()) as Types.Json.ZkappCommand;
    json.accountUpdates
      .filter(({ body }) => body.publicKey === owner.toBase58() && body.incrementNonce)
      .forEach(({ authorization }) => {
        authorization.signature = json.feePayer.authorization;
      });
    const forged = Mina.Transaction.fromJSON(json);
    await expect(forged.send()).rejects.toThrow(/signature/i);
    await expect(readCommitment(owner)).rejects.toThrow('readContract: no contract at');

    await signed.send();
  });

  it('sets the commitment by proof', async () => {
    const state = await readContract(owner);
    expect(Commitment.toJSON(state.commitment)).toEqual(Commitment.toJSON(commitment));
    expect(state.count).toBe(0);
    expect(state.latest).toBeUndefined();
    expect(state.provedState).toBe(true);
    expect(state.contractKeyHash.toBigInt()).toBe(contractKey.hash.toBigInt());
    expect(await readAttestations(owner)).toEqual([]);
  });

  it('happens once', async () => {
    const other = new Commitment({ ...commitment, modelRoot: Field(12) });
    await expect(submit(() => contract.initialize(other), owner)).rejects.toThrow(
      /precondition_unsatisfied/i,
    );
  });
});

describe('attest', () => {
  it('records a finished inference', async () => {
    await timed('attest', () => submit(() => contract.attest(finished, standInKey)));

    const state = await readContract(owner);
    expect(state.count).toBe(1);
    expect(state.latest).toBeDefined();
    expect(state.latest?.inputHash.toBigInt()).toBe(inputHash([1, 2, 3]).toBigInt());
    expect(state.latest?.outputHash.toBigInt()).toBe(outputHash([4, 5]).toBigInt());
  });

  it('records the next one after it', async () => {
    const statement = new Statement({ ...statementOf(ROOTS), outputHash: outputHash([6]) });
    const proof = InferenceProof.fromProof((await standIn.whole(statement)).proof);
    await submit(() => contract.attest(proof, standInKey));

    const recorded = await readAttestations(owner);
    expect(recorded.map(({ index }) => index)).toEqual([0, 1]);
    expect(recorded.map(({ statement }) => statement.outputHash.toBigInt())).toEqual([
      outputHash([4, 5]).toBigInt(),
      outputHash([6]).toBigInt(),
    ]);
    expect(recorded[1].verifierKeyHash.toBigInt()).toBe(standInKey.hash.toBigInt());
    expect(recorded[1].transactionHash).not.toBe('');
  });

  it('lets anyone read the latest statement in a transaction', async () => {
    let latest: Statement | undefined;
    await timed('latest', () =>
      submit(async () => {
        latest = await contract.latest();
      }),
    );
    expect(latest?.outputHash.toBigInt()).toBe(outputHash([6]).toBigInt());
  });
});

describe('attest rejects', () => {
  const attest = (proof: InferenceProof, key: VerificationKey) =>
    submit(() => contract.attest(proof, key));

  let before: string;
  beforeAll(async () => {
    before = JSON.stringify(await readContract(owner));
  });

  it('an unfinished inference', async () => {
    await expect(attest(unfinished, standInKey)).rejects.toThrow('unfinished inference');
  });

  it('another model', async () => {
    const proof = await unproved(statementOf({ ...ROOTS, modelRoot: 12 }));
    await expect(attest(proof, standInKey)).rejects.toThrow('another model');
  });

  it('another vocabulary', async () => {
    const proof = await unproved(statementOf({ ...ROOTS, vocabularyRoot: 23 }));
    await expect(attest(proof, standInKey)).rejects.toThrow('another vocabulary');
  });

  it('another program, under its own key, the committed one, or a mixture', async () => {
    const { proof } = await impostor.claim(statementOf(ROOTS));
    const forged = InferenceProof.fromProof(proof);
    await expect(attest(forged, impostorKey)).rejects.toThrow('not the one the owner committed');
    await expect(attest(forged, standInKey)).rejects.toThrow();
    const mixture = new VerificationKey({ data: impostorKey.data, hash: standInKey.hash });
    await expect(attest(forged, mixture)).rejects.toThrow();
  });

  it('an edited proof', async () => {
    const json = finished.toJSON();
    json.publicInput[3] = outputHash([9]).toString();
    const edited = await InferenceProof.fromJSON(json);
    await expect(attest(edited as InferenceProof, standInKey)).rejects.toThrow();

    const claimed = unfinished.toJSON();
    claimed.publicOutput = [COMPLETE.toString()];
    const promoted = await InferenceProof.fromJSON(claimed);
    await expect(attest(promoted as InferenceProof, standInKey)).rejects.toThrow();
  });

  it('and leaves the state as it was', async () => {
    expect(JSON.stringify(await readContract(owner))).toBe(before);
  });
});

describe('the owner can not', () => {
  const withSignature = (change: (update: AccountUpdate) => void) =>
    submit(() => {
      const update = AccountUpdate.createSigned(owner);
      change(update);
      return Promise.resolve();
    }, owner);

  it('write state', async () => {
    const write = withSignature((update) => {
      AccountUpdate.setValue(update.body.update.appState[0], Field(1));
    });
    await expect(write).rejects.toThrow(/Cannot update field/);
  });

  it('replace the verification key', async () => {
    const replace = withSignature((update) => {
      update.account.verificationKey.set(impostorKey);
    });
    await expect(replace).rejects.toThrow(/Cannot update field/);
  });

  it('loosen permissions', async () => {
    const loosen = withSignature((update) => {
      update.account.permissions.set(Permissions.default());
    });
    await expect(loosen).rejects.toThrow(/Cannot update field/);
  });
});

describe('circuits', () => {
  it('keep their size', async () => {
    const methods = await AttestationContract.analyzeMethods();
    const rows = Object.fromEntries(Object.entries(methods).map(([name, m]) => [name, m.rows]));
    console.log(JSON.stringify({ rows, seconds }));
    expect(rows).toEqual({ initialize: 699, attest: 487, latest: 342 });
  });
});
