/**
 * The contract with real proofs, each for a reason that stands in the name of its test: that the method can be proved, that the
 * ledger takes the proof and nothing edited beside it, and what a proof of the wrong program does. What the circuits and the ledger
 * demand of each other without a proof is in settlement.test.ts and owner.test.ts; tests/src/deployment.proof.test.ts proves `rotateOwner`.
 */
import { present } from '@attensor/core';
import './testing/native-backend.js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  AccountUpdate,
  Bool,
  Field,
  Mina,
  type JsonProof,
  Permissions,
  VerificationKey,
} from 'o1js';
import { AttestationContract, attestationPermissions, isLocked } from './attestation-contract.js';
import { Attestation } from './attestation.js';
import { Commitment } from './commitment.js';
import { CONTRACT_KEY_HASH, SETTLEMENT_KEY_HASH } from './contract-key.js';
import { outputHash } from './hashes.js';
import { COMPLETE, InferenceProof } from './inference-proof.js';
import { ownerHash } from './owner.js';
import { readContract } from './account.js';
import { checkAttestation } from './check.js';
import { KNOWN_KEYS } from './keys/known-keys-data.js';
import { attestationWitness, readAttestations, readHistory } from './read.js';
import { EMPTY_ROOT } from './record.js';
import { SettlementProof } from './settlement/program.js';
import { type ProofStore, Settler } from './settlement/settler.js';
import { compiledKeys, contractKeys } from './testing/keys.js';
import {
  answering,
  LocalContract,
  ROOTS,
  unproved,
  withoutSignatureOf,
} from './testing/local-contract.js';
import { statementOf } from './testing/stand-in-program.js';
import { PROVED_ANSWERS as ANSWERS, standInProofs } from './testing/stand-in-proofs.js';

let local: LocalContract;
let standInKey: VerificationKey;
let impostorKey: VerificationKey;
let contractKey: { hash: Field };
let unfinished: InferenceProof;
let finished: InferenceProof[];
let forged: InferenceProof;
/** Transactions that submitted them. */
const submitted: Proved[] = [];

/** Seconds a step took, printed at the end. */
const seconds: Record<string, number> = {};

async function timed<T>(name: string, run: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await run();
  seconds[name] = Math.round((performance.now() - start) / 100) / 10;
  return result;
}

type Proved = Awaited<ReturnType<LocalContract['build']>>;

/** A proved transaction with a change to the contract's account update, paid and signed as before. */
function edited(transaction: Proved, change: (update: AccountUpdate) => void): Proved {
  const copy = Mina.Transaction.fromJSON(transaction.toJSON());
  change(
    present(
      copy.transaction.accountUpdates.find(({ publicKey }) =>
        publicKey.equals(local.address).toBoolean(),
      ),
    ),
  );
  copy.transaction.feePayer.lazyAuthorization = { kind: 'lazy-signature' };
  return copy.sign([local.payer.key]);
}

/** The account updates of a transaction once more, proofs included, paid by somebody else. */
function copied(transaction: Proved): Proved {
  const copy = Mina.Transaction.fromJSON(transaction.toJSON());
  const { feePayer } = copy.transaction;
  feePayer.body.publicKey = local.payer;
  feePayer.body.nonce = Mina.getAccount(local.payer).nonce;
  feePayer.lazyAuthorization = { kind: 'lazy-signature' };
  return copy.sign([local.payer.key]);
}

beforeAll(async () => {
  ({
    standIn: standInKey,
    impostor: impostorKey,
    unfinished,
    finished,
    forged,
  } = await standInProofs());
  local = await LocalContract.start(standInKey, true);
  const compiled = await timed('compile', () =>
    AttestationContract.compile({ cache: contractKeys() }),
  );
  contractKey = compiled.verificationKey;
});

afterAll(() => console.log(JSON.stringify({ seconds })));

const attested = (answer: number) =>
  new Attestation({ statement: answering(answer), verifierKeyHash: standInKey.hash });

describe('deployment', () => {
  it('is proved by `initialize`, and needs the signature of the account', async () => {
    const { contract, commitment, owner, payer, address } = local;
    const deploy = await timed('deploy', () =>
      local.build(
        async () => {
          AccountUpdate.fundNewAccount(payer);
          await contract.deploy({ commitment, owner });
        },
        payer,
        address,
      ),
    );
    // not sent: o1js's embedded chain would keep the actions of what its ledger refuses
    const unsigned = withoutSignatureOf(address, deploy).toJSON();
    expect(() => local.chain.applyJsonTransaction(unsigned)).toThrow(/signature/i);
    await expect(readContract(address)).rejects.toThrow('NO_CONTRACT');
    await deploy.send();
  });

  it('sets the state by proof, and locks the account', async () => {
    const state = await readContract(local.address);
    expect(Commitment.toJSON(state.commitment)).toEqual(Commitment.toJSON(local.commitment));
    expect(state).toMatchObject({ count: 0, provedState: true, locked: true });
    expect(state.root.toBigInt()).toBe(EMPTY_ROOT.toBigInt());
    expect(state.owner.toBigInt()).toBe(ownerHash(local.owner).toBigInt());
    expect(state.contractKeyHash.toBigInt()).toBe(contractKey.hash.toBigInt());
    expect(state.contractKeyHash.toString()).toBe(CONTRACT_KEY_HASH);
    expect(await readAttestations(local.address)).toEqual([]);
  });
});

describe('attest', () => {
  /** Each made before the other was sent. */
  const built: Proved[] = [];

  beforeAll(async () => {
    for (const [i, proof] of finished.entries()) {
      const payer = local.chain.testAccounts[2 + i];
      const attest = () => local.contract.attest(proof, standInKey);
      built.push(await timed(`attest ${i}`, () => local.build(attest, payer)));
    }
  });

  it('is proved, and refused with anything edited in the account update', async () => {
    const [transaction] = built;
    const before = JSON.stringify(await readContract(local.address));
    const changes: ((update: AccountUpdate) => void)[] = [
      ({ body }) => {
        const fields = Attestation.toFields(attested(9));
        body.actions = AccountUpdate.Actions.pushEvent(AccountUpdate.Actions.empty(), fields);
      },
      ({ body }) => {
        const fields = Attestation.toFields(attested(9));
        body.actions = AccountUpdate.Actions.pushEvent(body.actions, fields);
      },
      ({ body }) => (body.actions = AccountUpdate.Actions.empty()),
      ({ body }) => (body.events = AccountUpdate.Events.empty()),
      ({ body }) => AccountUpdate.setValue(body.update.appState[4], Field(1)),
      ({ body }) => (body.preconditions.account.state[0].isSome = Bool(false)),
      ({ body }) => (body.preconditions.account.state[0].value = Field(12)),
      ({ body }) => (body.preconditions.account.provedState.isSome = Bool(false)),
    ];
    for (const change of changes)
      await expect(edited(transaction, change).send()).rejects.toThrow(/proof/i);
    expect(JSON.stringify(await readContract(local.address))).toBe(before);
  });

  it('lands though another one was proved before and sent first, with a proof of one segment or two', async () => {
    const state = JSON.stringify((await readContract(local.address)).commitment);
    for (const transaction of built) await transaction.send();
    submitted.push(...built);

    const all = await readAttestations(local.address);
    expect(all.map(({ attestation }) => attestation.statement.outputHash.toBigInt())).toEqual(
      ANSWERS.map((answer) => outputHash([answer]).toBigInt()),
    );
    // nothing but the queue has changed
    const after = await readContract(local.address);
    expect(JSON.stringify(after.commitment)).toBe(state);
    expect(after.count).toBe(0);
  });

  it('is found from the proof file', async () => {
    const file = {
      statement: answering(ANSWERS[0]),
      verificationKey: standInKey,
      proof: finished[0].toJSON(),
    };
    const json = JSON.parse(JSON.stringify(file)) as Parameters<typeof checkAttestation>[1];
    const check = await checkAttestation(local.address, json, { proof: true });
    expect(check).toMatchObject({
      attested: true,
      settled: false,
      current: true,
      proofValid: true,
    });
    json.proof.publicInput[3] = '1';
    json.statement.outputHash = '1';
    expect(await checkAttestation(local.address, json, { proof: true })).toMatchObject({
      attested: false,
      proofValid: false,
    });
  });
});

describe('attest rejects', () => {
  const attest = (proof: InferenceProof, key: VerificationKey) =>
    local.send(() => local.contract.attest(proof, key));

  it('an unfinished inference', async () => {
    await expect(attest(unfinished, standInKey)).rejects.toThrow('unfinished inference');
  });

  it("a statement about another contract's model, or another vocabulary", async () => {
    const model = await unproved(statementOf({ ...ROOTS, modelRoot: 12 }));
    await expect(attest(model, standInKey)).rejects.toThrow('another model');
    const vocabulary = await unproved(statementOf({ ...ROOTS, vocabularyRoot: 23 }));
    await expect(attest(vocabulary, standInKey)).rejects.toThrow('another vocabulary');
  });

  it('a valid proof of another program, under its own key, the committed one, or a mixture', async () => {
    await expect(attest(forged, impostorKey)).rejects.toThrow('not the one the owner committed');
    await expect(attest(forged, standInKey)).rejects.toThrow();
    const mixture = new VerificationKey({ data: impostorKey.data, hash: standInKey.hash });
    await expect(attest(forged, mixture)).rejects.toThrow();
  });

  it('a valid proof with an edited input or output', async () => {
    const json = finished[0].toJSON();
    json.publicInput[3] = outputHash([9]).toString();
    const changed = await InferenceProof.fromJSON(json);
    await expect(attest(changed as InferenceProof, standInKey)).rejects.toThrow();

    const claimed = unfinished.toJSON();
    claimed.publicOutput = [COMPLETE.toString()];
    const promoted = await InferenceProof.fromJSON(claimed);
    await expect(attest(promoted as InferenceProof, standInKey)).rejects.toThrow();
  });
});

describe('settle', () => {
  /** As files would keep them. */
  function jsonStore(): ProofStore & { kept: Map<string, string> } {
    const kept = new Map<string, string>();
    return {
      kept,
      names: () => Promise.resolve([...kept.keys()]),
      read: (name) => {
        const text = kept.get(name);
        return Promise.resolve(text === undefined ? undefined : (JSON.parse(text) as JsonProof));
      },
      write: (name, proof) => Promise.resolve(void kept.set(name, JSON.stringify(proof))),
      remove: (name) => Promise.resolve(void kept.delete(name)),
    };
  }

  it('is proved in parts that are joined and go on along the queue, also from kept proofs; refused when edited', async () => {
    const { address, contract } = local;
    const store = jsonStore();
    const steps: string[] = [];
    const settler = (kept: ProofStore, interrupt?: AbortController) =>
      new Settler({
        ...{ cache: contractKeys(), store: kept, signal: interrupt?.signal },
        onStep(step) {
          steps.push(step);
          interrupt?.abort();
        },
      });
    // the first part is proved and kept, and no more
    const first = await readHistory(address);
    await timed('settlement, interrupted', () =>
      expect(settler(store, new AbortController()).prove(first, 1)).rejects.toMatchObject({
        code: 'CANCELLED',
      }),
    );
    // the same account update again, with the proof it had: a copy is a submission like any other
    await copied(submitted[0]).send();

    const history = await readHistory(address);
    const settlement = present(
      await timed('settlement of two, joined', () => settler(store).prove(history, 2)),
    );
    const expected = [
      'submissions 0 to 0',
      'submissions 1 to 1',
      'joining submissions 0 to 1',
      'the queue up to submission 2',
    ];
    expect(steps).toEqual(expected);
    // started again, nothing is proved twice
    await settler(store).prove(history, 2);
    expect(steps).toEqual(expected);

    const { proof, verificationKey } = settlement;
    expect(verificationKey.hash.toString()).toBe(SETTLEMENT_KEY_HASH);
    const transaction = await timed('settle', () =>
      local.build(() => contract.settle(proof, verificationKey)),
    );
    const other = edited(transaction, ({ body }) => {
      AccountUpdate.setValue(body.update.appState[4], Field(1));
    });
    await expect(other.send()).rejects.toThrow(/proof/i);
    const claimed = await SettlementProof.fromJSON({
      ...proof.toJSON(),
      publicInput: proof.toJSON().publicInput.map((field, i) => (i === 3 ? '1' : field)),
    });
    await expect(
      local.build(() => contract.settle(claimed as SettlementProof, verificationKey)),
    ).rejects.toThrow();
    await transaction.send();

    const state = await readContract(address);
    expect(state.count).toBe(ANSWERS.length);
    const after = await readHistory(address);
    expect(after.pending.map(({ index, first }) => [index, first])).toEqual([[2, 0]]);
    expect(ANSWERS.every((answer) => after.isSettled(attested(answer)))).toBe(true);
    expect(after.isSettled(attested(9))).toBe(false);
  });
});

describe('the owner', () => {
  const next = () => new Commitment({ ...local.commitment, modelRoot: Field(12) });

  it('must sign to update the model, though `updateModel` is proved', async () => {
    const { contract, owner, payer } = local;
    await expect(local.send(() => contract.updateModel(payer, next()))).rejects.toThrow(
      'only the owner',
    );
    const update = await timed('updateModel', () =>
      local.build(() => contract.updateModel(owner, next()), payer, owner),
    );
    await expect(withoutSignatureOf(owner, update).send()).rejects.toThrow(/signature/i);
    await update.send();
    const { commitment } = await readContract(local.address);
    expect(Commitment.toJSON(commitment)).toEqual(Commitment.toJSON(next()));
  });

  it('leaves old attestations with the old model: `requireAttestedBy` is proved', async () => {
    const { contract, commitment } = local;
    const { inputHash, outputHash } = answering(ANSWERS[1]);
    const witness = await attestationWitness(local.address, attested(ANSWERS[1]));
    const current = local.send(() => contract.requireAttested(inputHash, outputHash, witness));
    await expect(current).rejects.toThrow('not in the record');
    const asNew = local.send(() =>
      contract.requireAttestedBy(next(), inputHash, outputHash, witness),
    );
    await expect(asNew).rejects.toThrow('not in the record');
    const wrong = local.send(() =>
      contract.requireAttestedBy(commitment, inputHash, outputHash.add(1), witness),
    );
    await expect(wrong).rejects.toThrow('not in the record');
    await timed('requireAttestedBy', () =>
      local.send(() => contract.requireAttestedBy(commitment, inputHash, outputHash, witness)),
    );
    const late = local.send(() => contract.attest(finished[1], standInKey));
    await expect(late).rejects.toThrow('another model');
  });
});

describe("the account's key can not", () => {
  const withSignature = (change: (update: AccountUpdate) => void) =>
    local.send(() => {
      const update = AccountUpdate.createSigned(local.address);
      change(update);
      return Promise.resolve();
    }, local.address);

  it('write state', async () => {
    for (let field = 0; field < 8; field++) {
      const write = withSignature((update) => {
        AccountUpdate.setValue(update.body.update.appState[field], Field(1));
      });
      await expect(write).rejects.toThrow(/Cannot update field/);
    }
  });

  it('queue an attestation', async () => {
    const queue = withSignature(({ body }) => {
      const fields = Attestation.toFields(attested(9));
      body.actions = AccountUpdate.Actions.pushEvent(body.actions, fields);
    });
    await expect(queue).rejects.toThrow(/Cannot update field/);
  });

  it('replace the verification key', async () => {
    const replace = withSignature((update) => {
      update.account.verificationKey.set(impostorKey);
    });
    await expect(replace).rejects.toThrow(/Cannot update field/);
  });

  it('permissions that are not final are told apart', () => {
    const own = attestationPermissions();
    const { auth, txnVersion } = own.setVerificationKey;
    const older = { auth, txnVersion: txnVersion.sub(1) };
    // as o1js reads an account from a node: the key's permission is lost
    const fetched = { ...own, setVerificationKey: auth } as unknown as Permissions;
    expect(isLocked(own)).toBe(true);
    expect(isLocked(fetched)).toBe(false);
    expect(isLocked({ ...own, setVerificationKey: older })).toBe(false);
    expect(isLocked({ ...own, editState: Permissions.proofOrSignature() })).toBe(false);
    expect(isLocked({ ...own, send: Permissions.signature() })).toBe(false);
    expect(isLocked(Permissions.default())).toBe(false);
  });

  it('loosen permissions', async () => {
    const loosen = withSignature((update) => {
      update.account.permissions.set(Permissions.default());
    });
    await expect(loosen).rejects.toThrow(/Cannot update field/);
  });

  it('set anything else: delegate, URI, symbol, timing, voting', async () => {
    const changes: ((update: AccountUpdate) => void)[] = [
      (update) => update.account.delegate.set(local.payer),
      (update) => update.account.zkappUri.set('https://example.com'),
      (update) => update.account.tokenSymbol.set('ATT'),
      (update) => update.account.votingFor.set(Field(1)),
    ];
    for (const change of changes)
      await expect(withSignature(change)).rejects.toThrow(/Cannot update field|not_permitted/);
  });

  it('receive or send funds', async () => {
    const receive = local.send(() => {
      AccountUpdate.createSigned(local.payer).send({ to: local.address, amount: 1 });
      return Promise.resolve();
    });
    await expect(receive).rejects.toThrow(/Update_not_permitted_balance/);
  });
});

describe('circuits', () => {
  it('keep their size', async () => {
    const methods = await AttestationContract.analyzeMethods();
    const rows = Object.fromEntries(Object.entries(methods).map(([name, m]) => [name, m.rows]));
    expect(rows).toEqual({
      initialize: 740,
      attest: 471,
      settle: 421,
      requireAttested: 1080,
      requireAttestedBy: 1092,
      updateModel: 765,
      rotateOwner: 762,
    });
  });

  it('have the verification keys that are known; `npm run keys:contract` writes them', async () => {
    await local.settler.compile();
    expect(Object.fromEntries(compiledKeys)).toEqual(KNOWN_KEYS);
  });
});
