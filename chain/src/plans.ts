/** What each command does on chain: the calls of the contract, and when there is nothing to do. */
import {
  AttestationContract,
  Attestation,
  type AttestedFile,
  Commitment,
  CONTRACT_KEY_HASH,
  genuineness,
  InferenceProof,
  notGenuine,
  ownerHash,
  type ProvedSettlement,
  readContract,
  readHistory,
  requireGenuine,
  Settler,
} from '@attensor/contracts';
import { withKnownKeys } from '@attensor/contracts/keys';
import { AccountUpdate, fetchAccount, Field, PublicKey, VerificationKey } from 'o1js';
import { AttensorError, present } from '@attensor/core';
import { keyCache } from '@attensor/core/o1js';
import { settlementStore } from './settlement-store.js';

export type CommitmentJson = Record<'modelRoot' | 'vocabularyRoot' | 'verifierKeyHash', string>;

/** A transaction to be made. */
export interface Plan {
  /** For whoever signs it. */
  about: string;
  /** Two plans with the same task are the same transaction, built twice. */
  task: string[];
  /** Public keys that sign, besides the fee payer. */
  signers: string[];
  /** What takes long before the transaction can be built. */
  prepare?: (report: (fraction: number, stage: string) => void) => Promise<void>;
  /** The calls, inside `Mina.transaction`. */
  run: (feePayer: PublicKey) => Promise<void>;
}

let compiled: Promise<void> | undefined;

/**
 * Keys of the contract for proving and deploying; from the cache, or compiled. Once in a process.
 *
 * @throws AttensorError NOT_GENUINE
 */
export function compileContract(cacheDir: string): Promise<void> {
  return (compiled ??= compile(cacheDir).catch((error: unknown) => {
    compiled = undefined; // a later call tries again
    throw error;
  }));
}

async function compile(cacheDir: string): Promise<void> {
  const { verificationKey } = await AttestationContract.compile({
    cache: withKnownKeys(keyCache(cacheDir)),
  });
  requireKnownKey(verificationKey.hash);
}

/** What is deployed must be what every reader looks for. */
function requireKnownKey(hash: Field): void {
  if (hash.toString() === CONTRACT_KEY_HASH) return;
  throw new AttensorError({
    code: 'NOT_GENUINE',
    what: 'the contract compiles to another key than the one that readers know it by',
    expected: CONTRACT_KEY_HASH,
    got: hash.toString(),
    hint: 'install this version as it was published, with the o1js that it pins',
  });
}

/** @returns nothing when the same contract is there already. @throws AttensorError ALREADY_DEPLOYED */
export async function planDeploy(
  address: string,
  commitment: CommitmentJson,
  owner: string | undefined,
): Promise<Plan | undefined> {
  const publicKey = PublicKey.fromBase58(address);
  const { account, error } = await fetchAccount({ publicKey });
  // an account that can't be asked for is not one that does not exist
  if (error !== undefined && error.statusCode !== 404) {
    throw new AttensorError({
      code: 'UNREACHABLE',
      what: 'the network did not say whether the account exists',
      where: address,
      got: error.statusText,
      hint: 'try again later',
    });
  }
  if (account?.zkapp?.verificationKey !== undefined) {
    const contract = await readContract(publicKey);
    const different = notGenuine(genuineness(contract, { commitment }));
    if (different === undefined) return undefined;
    const deployed = Commitment.toJSON(contract.commitment);
    throw new AttensorError({
      code: 'ALREADY_DEPLOYED',
      what: `another contract, or one with another model, is deployed at this address: ${different}`,
      where: address,
      expected: `modelRoot ${commitment.modelRoot}, verifierKeyHash ${commitment.verifierKeyHash}`,
      got: `modelRoot ${deployed.modelRoot}, verifierKeyHash ${deployed.verifierKeyHash}`,
      hint: 'change the model with `attensor rotate --commitment`, or make a new alias',
    });
  }
  return {
    about: `deploy the attestation contract at ${address}`,
    task: ['deploy', address, ...commitmentFields(commitment), owner ?? address],
    signers: [address],
    run: async (feePayer) => {
      if (account === undefined) AccountUpdate.fundNewAccount(feePayer);
      await new AttestationContract(publicKey).deploy({
        commitment: commitmentOf(commitment),
        owner: owner === undefined ? undefined : PublicKey.fromBase58(owner),
      });
    },
  };
}

/** @returns nothing when it was submitted before, unless asked to do it again */
export async function planSubmit(
  address: string,
  file: AttestedFile,
  { again }: { again: boolean },
): Promise<Plan | undefined> {
  const publicKey = PublicKey.fromBase58(address);
  const proof = (await InferenceProof.fromJSON(file.proof)) as InferenceProof;
  const { data, hash } = file.verificationKey;
  const key = new VerificationKey({ data, hash: Field(hash) });
  const attestation = new Attestation({
    statement: proof.publicInput,
    verifierKeyHash: key.hash,
  });
  const { reading } = await requireGenuine(publicKey);
  const found = reading.history.find(attestation);
  if (found !== undefined && !again) return undefined;
  const position = found === undefined ? 'first' : 'again';
  return {
    about: `attest output ${file.statement.outputHash} at ${address}`,
    task: ['submit', address, Attestation.key(attestation).toString(), position],
    signers: [],
    run: () => new AttestationContract(publicKey).attest(proof, key),
  };
}

/** Options of `planSettle`. */
export interface SettleOptions {
  /** Keeps proofs: what an interrupted or overtaken settlement has proved is used again. */
  cacheDir: string;
  /** Told if a proof cannot be kept. */
  log: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Settles what is pending when it is planned; what comes while it is proved stays in the queue.
 *
 * @returns nothing when nothing is pending
 */
export async function planSettle(
  address: string,
  { cacheDir, signal, log }: SettleOptions,
): Promise<(Plan & { takes: number }) | undefined> {
  const publicKey = PublicKey.fromBase58(address);
  const { pending } = await readHistory(publicKey);
  if (pending.length === 0) return undefined;
  const first = pending[0].index;
  const to = first + pending.length;
  let proved: ProvedSettlement | undefined;
  return {
    about: `settle ${pending.length} attestations at ${address}, from number ${first}`,
    task: ['settle', address, String(first)],
    signers: [],
    takes: pending.length,
    prepare: async (report) => {
      const settler = new Settler({
        cache: withKnownKeys(keyCache(cacheDir)),
        store: await settlementStore(cacheDir, address),
        onStep: (step, done, of) => report(done / of, `proving ${step}`),
        onNotKept: (error) => log(`${String(error)} (the proof is used, but not kept)`),
        signal,
      });
      report(0, 'loading the keys of settlements, or compiling them');
      await settler.prove(await readHistory(publicKey), to);
      // submissions that came meanwhile: the ledger may no longer vouch for what was their last one's state
      proved = await settler.prove(await readHistory(publicKey), to);
      if (proved === undefined) throw overtaken(address);
    },
    run: async () => {
      const { proof, verificationKey } = present(proved, 'the proof of the settlement');
      await new AttestationContract(publicKey).settle(proof, verificationKey);
    },
  };
}

function overtaken(address: string): AttensorError {
  return new AttensorError({
    code: 'OVERTAKEN',
    what: 'somebody else has settled these attestations meanwhile',
    where: address,
    hint: 'settle again if more are pending',
  });
}

/** @throws AttensorError WRONG_OWNER. @returns nothing when that key is the owner already */
export async function planRotate(
  address: string,
  owner: string,
  next: string,
): Promise<Plan | undefined> {
  const publicKey = PublicKey.fromBase58(address);
  const state = await readContract(publicKey);
  if (state.owner.toBigInt() === ownerHash(PublicKey.fromBase58(next)).toBigInt()) return undefined;
  requireOwner(state.owner, owner, address);
  return {
    about: `hand the model of ${address} over to ${next}`,
    task: ['rotate', address, owner, next],
    signers: [owner],
    run: () =>
      new AttestationContract(publicKey).rotateOwner(
        PublicKey.fromBase58(owner),
        PublicKey.fromBase58(next),
      ),
  };
}

/** @throws AttensorError WRONG_OWNER. @returns nothing when that is the model already */
export async function planUpdate(
  address: string,
  owner: string,
  commitment: CommitmentJson,
): Promise<Plan | undefined> {
  const publicKey = PublicKey.fromBase58(address);
  const state = await readContract(publicKey);
  const present = Commitment.toJSON(state.commitment);
  if (sameCommitment(present, commitment)) return undefined;
  requireOwner(state.owner, owner, address);
  return {
    about: `put model ${commitment.modelRoot} in the place of ${present.modelRoot} at ${address}`,
    task: ['update', address, owner, ...commitmentFields(commitment), ...commitmentFields(present)],
    signers: [owner],
    run: () =>
      new AttestationContract(publicKey).updateModel(
        PublicKey.fromBase58(owner),
        commitmentOf(commitment),
      ),
  };
}

function requireOwner(recorded: Field, owner: string, address: string): void {
  if (recorded.toBigInt() === ownerHash(PublicKey.fromBase58(owner)).toBigInt()) return;
  throw new AttensorError({
    code: 'WRONG_OWNER',
    what: 'another key owns the contract',
    where: address,
    got: owner,
    hint: "name the owner's key file with --owner-key",
  });
}

function commitmentOf({ modelRoot, vocabularyRoot, verifierKeyHash }: CommitmentJson): Commitment {
  return new Commitment({
    modelRoot: Field(modelRoot),
    vocabularyRoot: Field(vocabularyRoot),
    verifierKeyHash: Field(verifierKeyHash),
  });
}

function commitmentFields({ modelRoot, vocabularyRoot, verifierKeyHash }: CommitmentJson) {
  return [modelRoot, vocabularyRoot, verifierKeyHash];
}

function sameCommitment(a: CommitmentJson, b: CommitmentJson): boolean {
  return commitmentFields(a).every((field, i) => field === commitmentFields(b)[i]);
}
