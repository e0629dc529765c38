/**
 * Reading attestations from outside circuits: a dApp's page, a script, a test.
 *
 * Works on whatever Mina instance is active. Events come from an archive node and are checked
 * against the state before they are returned, so an archive can withhold them but not invent any.
 */
import { type Field, Mina, type PublicKey } from 'o1js';
import { AttestationContract } from './attestation-contract.js';
import { Attestation, attestationsHash, EMPTY_ATTESTATIONS } from './attestation.js';
import { Commitment } from './commitment.js';
import { Statement } from './statement.js';

export {
  readContract,
  readCommitment,
  readAttestations,
  type ContractState,
  type RecordedAttestation,
};

type ContractState = {
  commitment: Commitment;
  /** Commitment to all attestations; see `attestationsHash`. */
  attestations: Field;
  count: number;
  /** The most recent attestation, if there is one. */
  latest: Statement | undefined;
  /** True when every state change since creation was made by a proof: false before `initialize`. */
  provedState: boolean;
  /** Hash of the contract's own verification key: which code guards this account. */
  contractKeyHash: Field;
};

type RecordedAttestation = {
  index: number;
  statement: Statement;
  verifierKeyHash: Field;
  transactionHash: string;
  blockHeight: number;
};

/**
 * The contract's whole state.
 *
 * **Warning**: any account can hold any eight fields. Compare `contractKeyHash` with the hash that
 * `AttestationContract.compile()` gives before trusting an address you did not deploy.
 *
 * @throws if there is no initialized attestation contract at `address`.
 */
async function readContract(address: PublicKey): Promise<ContractState> {
  const contract = new AttestationContract(address);
  // also loads the account, where the active instance is a remote node
  const modelRoot = await contract.modelRoot.fetch().catch(() => undefined);
  const zkapp = Mina.hasAccount(address) ? Mina.getAccount(address).zkapp : undefined;
  if (modelRoot === undefined || zkapp?.verificationKey === undefined) {
    throw Error(
      `readContract: no contract at ${address.toBase58()} on the active Mina instance; check the address and the network`,
    );
  }
  const state = zkapp.appState;
  const count = Number(contract.count.fromAppState(state).toBigInt());
  const commitment = new Commitment({
    modelRoot,
    vocabularyRoot: contract.vocabularyRoot.fromAppState(state),
    verifierKeyHash: contract.verifierKeyHash.fromAppState(state),
  });
  const latest = new Statement({
    modelRoot: commitment.modelRoot,
    vocabularyRoot: commitment.vocabularyRoot,
    inputHash: contract.latestInputHash.fromAppState(state),
    outputHash: contract.latestOutputHash.fromAppState(state),
  });
  return {
    commitment,
    attestations: contract.attestations.fromAppState(state),
    count,
    latest: count > 0 ? latest : undefined,
    provedState: zkapp.provedState.toBoolean(),
    contractKeyHash: zkapp.verificationKey.hash,
  };
}

/** The commitment the contract checks inferences against. Same warning as `readContract`. */
async function readCommitment(address: PublicKey): Promise<Commitment> {
  return (await readContract(address)).commitment;
}

/**
 * All attestations, oldest first, checked to be exactly those the contract's state commits to.
 *
 * @throws if events are missing or do not match the state.
 */
async function readAttestations(address: PublicKey): Promise<RecordedAttestation[]> {
  const { attestations, count } = await readContract(address);
  const candidates = await fetchCandidates(address);

  // forks may leave several events of one index: walk back from the state, which admits only one
  const recorded: RecordedAttestation[] = [];
  let expected = attestations;
  for (let index = count - 1; index >= 0; index--) {
    const found = candidates.find(
      ({ attestation }) =>
        attestation.index.toBigInt() === BigInt(index) &&
        attestationsHash(attestation).toBigInt() === expected.toBigInt(),
    );
    if (found === undefined) {
      throw Error(
        `readAttestations: the archive has no event that matches attestation ${index} of ${count}, expected hash ${expected.toString()}; use another archive node`,
      );
    }
    const { statement, verifierKeyHash, previous } = found.attestation;
    const { transactionHash, blockHeight } = found;
    recorded.unshift({ index, statement, verifierKeyHash, transactionHash, blockHeight });
    expected = previous;
  }
  if (expected.toBigInt() !== EMPTY_ATTESTATIONS.toBigInt()) {
    throw Error(
      `readAttestations: the first attestation of ${address.toBase58()} does not start from the empty list; this is not an attestation contract`,
    );
  }
  return recorded;
}

async function fetchCandidates(address: PublicKey) {
  const events = await new AttestationContract(address).fetchEvents();
  return events
    .filter(({ type }) => type === 'attest')
    .map(({ event, blockHeight }) => ({
      attestation: new Attestation(event.data as unknown as Attestation),
      transactionHash: event.transactionInfo.transactionHash,
      blockHeight: Number(blockHeight.toBigint()),
    }));
}
