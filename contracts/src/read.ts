/**
 * Reading attestations from outside circuits: a dApp's page, a script, a test.
 *
 * Works on whatever Mina instance is active. Submissions come from an archive node and are checked
 * against the account before they are returned, so an archive can withhold an answer, but it can't
 * invent, leave out or reorder submissions.
 */
import { fetchAccount, Field, Mina, type Permissions, type PublicKey } from 'o1js';
import { EMPTY_ACTION_STATE } from './actions.js';
import { AttestationContract, isLocked } from './attestation-contract.js';
import { Attestation, type AttestationWitness } from './attestation.js';
import { Commitment } from './commitment.js';
import { AttensorError } from '@attensor/core';
import { askNode } from './graphql.js';
import { AttestationHistory, type HistoryState, type RecordedAttestation } from './history.js';
import { proofProblem } from './stated-proof.js';
import {
  parsePermissions,
  PERMISSIONS_SELECTION,
  permissionsFromJson,
} from './ledger/permissions.js';
import { Statement } from './statement.js';

/** Options of `readContract`. */
export interface ReadContractOptions {
  /**
   * GraphQL of a node: that of `Mina.Network`, which o1js does not give back. Over a network `locked` needs it, since o1js 2.15
   * loses a permission of accounts that it fetches.
   */
  graphql?: string;
}

/** The contract's whole state. */
export interface ContractState extends HistoryState {
  commitment: Commitment;
  /** `ownerHash` of the owner's key. */
  owner: Field;
  /** True when every state change since creation was made by a proof: false before `initialize`. */
  provedState: boolean;
  /**
   * True when the account has the permissions that `deploy` sets, for the present network version. Over a network false without
   * `graphql`.
   */
  locked: boolean;
  /** Hash of the contract's own verification key: which code guards this account. */
  contractKeyHash: Field;
}

/** A submission, and where it was made as the archive tells: that part is not checked. */
export interface FoundAttestation extends RecordedAttestation {
  transactionHash?: string;
  blockHeight?: number;
}

/** The parts of a proof file that are compared with the chain. */
export interface AttestedFile {
  statement: Record<'modelRoot' | 'vocabularyRoot' | 'inputHash' | 'outputHash', string>;
  verificationKey: { data: string; hash: string };
  proof: {
    publicInput: string[];
    publicOutput: string[];
    maxProofsVerified: 0 | 1 | 2;
    proof: string;
  };
}

/** What the chain knows of a proof file's statement. */
export interface AttestationCheck {
  attestation: Attestation;
  /** Has it been submitted, so that the network verified a proof of it? */
  attested: boolean;
  /** Is it in the record, so that contracts can rely on it? */
  settled: boolean;
  /** Is it of the model that the contract is committed to now? */
  current: boolean;
  /** Is the file's own proof valid? Undefined if that was not asked. */
  proofValid: boolean | undefined;
}

/**
 * The contract's whole state.
 *
 * **Warning**: any account can hold any eight fields. Compare `contractKeyHash` with the hash that
 * `AttestationContract.compile()` gives, and see that `provedState` and `locked` are true, before
 * trusting an address you did not deploy; docs/threat-model.md has the rest of the list.
 *
 * @throws NO_CONTRACT if there is no zkApp at `address`, NODE_UNAVAILABLE, BAD_ANSWER
 */
export async function readContract(
  address: PublicKey,
  { graphql }: ReadContractOptions = {},
): Promise<ContractState> {
  const contract = new AttestationContract(address);
  // first the permissions: if they are final, the code that is read after them is the code they guard
  const told = graphql === undefined ? undefined : await fetchPermissions(graphql, address);
  const account = await loadAccount(contract);
  const zkapp = account?.zkapp;
  if (account === undefined || zkapp?.verificationKey === undefined) {
    throw noContract(address, 'on the active Mina instance');
  }
  const state = zkapp.appState;
  return {
    commitment: new Commitment({
      modelRoot: contract.modelRoot.fromAppState(state),
      vocabularyRoot: contract.vocabularyRoot.fromAppState(state),
      verifierKeyHash: contract.verifierKeyHash.fromAppState(state),
    }),
    owner: contract.owner.fromAppState(state),
    root: contract.root.fromAppState(state),
    count: Number(contract.count.fromAppState(state).toBigInt()),
    settledActions: contract.settledActions.fromAppState(state),
    pinnedActions: contract.pinnedActions.fromAppState(state),
    actionState: zkapp.actionState[0] ?? EMPTY_ACTION_STATE,
    provedState: zkapp.provedState.toBoolean(),
    locked: isLocked(told ?? account.permissions),
    contractKeyHash: zkapp.verificationKey.hash,
  };
}

function noContract(address: PublicKey, on: string): AttensorError {
  return new AttensorError({
    code: 'NO_CONTRACT',
    what: `there is no attestation contract at this address ${on}`,
    where: address.toBase58(),
    hint: 'Check the address and the network',
  });
}

const PERMISSIONS_QUERY = `query ($address: PublicKey!) {
  account(publicKey: $address) { publicKey ${PERMISSIONS_SELECTION} }
}`;

/** As the node itself tells them. @throws NO_CONTRACT, NODE_UNAVAILABLE, BAD_ANSWER */
async function fetchPermissions(graphql: string, address: PublicKey): Promise<Permissions> {
  const asked = address.toBase58();
  const data = await askNode(graphql, PERMISSIONS_QUERY, { address: asked });
  const { account } = (data ?? {}) as {
    account?: { publicKey?: unknown; permissions?: unknown } | null;
  };
  if (account === null) throw noContract(address, `according to ${graphql}`);
  const badAnswer = (expected: string, got: string, cause?: unknown) =>
    new AttensorError({
      code: 'BAD_ANSWER',
      what: "the node did not return the account's permissions",
      where: graphql,
      expected,
      got,
      hint: 'Choose another node',
      cause,
    });
  if (account?.publicKey !== asked)
    throw badAnswer(`the account ${asked}`, JSON.stringify(account?.publicKey) ?? 'none');
  try {
    return permissionsFromJson(parsePermissions(account.permissions));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badAnswer('all permissions that this version of o1js knows', error.message, error);
  }
}

/** The account as it is now, from the node where the active instance has one. */
async function loadAccount(contract: AttestationContract) {
  const { address } = contract;
  // o1js's embedded chain throws where there is no account, a remote one gives nothing
  const state = await contract.modelRoot.fetch().catch(() => null);
  if (state === undefined) {
    const { error } = await fetchAccount({ publicKey: address });
    if (error !== undefined && error.statusCode !== 404) {
      throw new AttensorError({
        code: 'NODE_UNAVAILABLE',
        what: 'the node did not return the account',
        where: address.toBase58(),
        got: error.statusText,
        hint: 'Try again, or set another node in Mina.Network',
      });
    }
    if (error !== undefined) return undefined;
  }
  return state !== null && Mina.hasAccount(address) ? Mina.getAccount(address) : undefined;
}

/** The commitment that submissions are checked against now. Same warning as `readContract`. */
export async function readCommitment(address: PublicKey): Promise<Commitment> {
  return (await readContract(address)).commitment;
}

/**
 * All submissions and the record, checked against the account: what `settle`, `pin` and
 * `requireAttested` take is made from it.
 *
 * `known` is an earlier result, which makes this call cheaper.
 *
 * @throws NO_CONTRACT, NODE_UNAVAILABLE, ARCHIVE_UNAVAILABLE, ARCHIVE_MISMATCH
 */
export async function readHistory(
  address: PublicKey,
  { known }: { known?: AttestationHistory } = {},
): Promise<AttestationHistory> {
  // the account first: what is submitted in between is at the end of the archive's list
  const state = await readContract(address);
  return AttestationHistory.replay(state, await fetchSubmissions(address), known);
}

/**
 * All submissions, oldest first, checked to be exactly those that the account commits to.
 *
 * @throws as `readHistory`
 */
export async function readAttestations(address: PublicKey): Promise<FoundAttestation[]> {
  const { attestations } = await readHistory(address);
  const transactions = await fetchTransactions(address);
  return attestations.map((each) => ({
    ...each,
    ...transactions.get(each.key.toBigInt())?.shift(),
  }));
}

/** Is the attestation in the record, so that contracts can rely on it? @throws as `readHistory` */
export async function isSettled(address: PublicKey, attestation: Attestation): Promise<boolean> {
  return (await readHistory(address)).isSettled(attestation);
}

/** Argument of `requireAttested`; valid until the next `settle`. @throws NOT_SETTLED, as `readHistory` */
export async function attestationWitness(
  address: PublicKey,
  attestation: Attestation,
): Promise<AttestationWitness> {
  return (await readHistory(address)).witness(attestation);
}

/**
 * Compares a proof file with the chain: does the contract know what it states? With `proof`, the file's own proof is
 * verified as well, as the network did on submission.
 *
 * @param file as `attensor prove` writes it
 * @throws BAD_ARGUMENT, as `readHistory`
 */
export async function checkAttestation(
  address: PublicKey,
  file: AttestedFile,
  { proof = false } = {},
): Promise<AttestationCheck> {
  const attestation = attestationOf(file);
  const proofValid = proof ? await isProofValid(file) : undefined;
  const state = await readContract(address);
  const history = AttestationHistory.replay(state, await fetchSubmissions(address));
  const found = history.find(attestation);
  const model = Commitment.toFields(Attestation.commitment(attestation));
  return {
    attestation,
    attested: found !== undefined,
    settled: found?.settled ?? false,
    current: Commitment.toFields(state.commitment).every(
      (field, i) => field.toBigInt() === model[i].toBigInt(),
    ),
    proofValid,
  };
}

function attestationOf({ statement, verificationKey }: AttestedFile): Attestation {
  try {
    return new Attestation({
      statement: new Statement({
        modelRoot: Field(statement.modelRoot),
        vocabularyRoot: Field(statement.vocabularyRoot),
        inputHash: Field(statement.inputHash),
        outputHash: Field(statement.outputHash),
      }),
      verifierKeyHash: Field(verificationKey.hash),
    });
  } catch (cause) {
    throw new AttensorError({
      code: 'BAD_ARGUMENT',
      what: 'this is not a proof file',
      where: 'statement, verificationKey',
      expected: 'field elements in decimal',
      got: cause instanceof Error ? cause.message : String(cause),
      hint: 'Get the file again from its maker',
      cause,
    });
  }
}

/** Is the file's own proof valid, for its statement and under its key? Whose key that is, it does not say. */
export async function isProofValid(file: AttestedFile): Promise<boolean> {
  return (await proofProblem(file, statedFields(file))) === undefined;
}

/** The statement's fields in the order of a proof's public input. */
export const statedFields = ({ statement }: Pick<AttestedFile, 'statement'>): string[] => {
  const { modelRoot, vocabularyRoot, inputHash, outputHash } = statement;
  return [modelRoot, vocabularyRoot, inputHash, outputHash];
};

/** What the archive says was submitted, oldest first. */
async function fetchSubmissions(address: PublicKey): Promise<Attestation[]> {
  const unavailable = (cause: unknown, got: string) =>
    new AttensorError({
      code: 'ARCHIVE_UNAVAILABLE',
      what: 'the archive did not return the submitted attestations',
      where: address.toBase58(),
      got,
      hint: 'Try again, or set another archive in Mina.Network',
      cause,
    });
  const updates = await Mina.fetchActions(address).catch((cause: unknown) => {
    throw unavailable(cause, cause instanceof Error ? cause.message : String(cause));
  });
  if ('error' in updates) throw unavailable(updates.error, updates.error.statusText);
  return updates.flatMap(({ actions }) =>
    actions.map((action) => {
      if (action.length !== Attestation.sizeInFields()) {
        throw new AttensorError({
          code: 'ARCHIVE_MISMATCH',
          what: 'the archive returned an action that is not an attestation',
          where: address.toBase58(),
          expected: `${Attestation.sizeInFields()} fields`,
          got: `${action.length} fields`,
          hint: 'Check that the address is that of an attestation contract',
        });
      }
      return new Attestation(Attestation.fromFields(action.map(Field)));
    }),
  );
}

/** Where each attestation was submitted, by `Attestation.key`, the first one first. */
async function fetchTransactions(address: PublicKey) {
  const events = await new AttestationContract(address).fetchEvents();
  const byKey = new Map<bigint, { transactionHash?: string; blockHeight: number }[]>();
  events
    .filter(({ type, chainStatus }) => type === 'attest' && chainStatus !== 'orphaned')
    .filter(({ event }) => event.transactionInfo.transactionStatus !== 'failed')
    .map(({ event, blockHeight }) => ({
      key: Attestation.key(event.data as unknown as Attestation).toBigInt(),
      // o1js's embedded chain does not tell
      transactionHash: event.transactionInfo.transactionHash || undefined,
      blockHeight: Number(blockHeight.toBigint()),
    }))
    .sort((a, b) => a.blockHeight - b.blockHeight)
    .forEach(({ key, ...transaction }) => byKey.set(key, [...(byKey.get(key) ?? []), transaction]));
  return byKey;
}
