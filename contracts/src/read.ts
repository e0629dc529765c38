/**
 * Reading attestations from outside circuits: a dApp's page, a script, a test.
 *
 * Works on whatever Mina instance is active. Events come from an archive node and are checked
 * against the state before they are returned, so an archive can withhold them but not invent any.
 */
import { Field, Mina, type PublicKey } from 'o1js';
import { AttestationContract } from './attestation-contract.js';
import { type Attestation, EMPTY_ATTESTATIONS, nextAttestations } from './attestation.js';
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
  /** Commitment to all attestations; see `nextAttestations`. */
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
  const events = await new AttestationContract(address).fetchEvents();
  const byIndex = new Map(
    events
      .filter(({ type }) => type === 'attest')
      .map((event) => [indexOf(event.event.data as unknown as Attestation), event]),
  );

  let chain = EMPTY_ATTESTATIONS;
  const recorded: RecordedAttestation[] = [];
  for (let index = 0; index < count; index++) {
    const found = byIndex.get(index);
    if (found === undefined) {
      throw Error(
        `readAttestations: the archive has no event of attestation ${index}, expected ${count}; use another archive node`,
      );
    }
    const { statement, verifierKeyHash } = found.event.data as unknown as Attestation;
    chain = nextAttestations(chain, { index: Field(index), statement, verifierKeyHash });
    recorded.push({
      index,
      statement,
      verifierKeyHash,
      transactionHash: found.event.transactionInfo.transactionHash,
      blockHeight: Number(found.blockHeight.toBigint()),
    });
  }
  if (chain.toBigInt() !== attestations.toBigInt()) {
    throw Error(
      `readAttestations: events do not match the contract, expected ${attestations.toString()}, got ${chain.toString()}; use another archive node`,
    );
  }
  return recorded;
}

function indexOf(attestation: Attestation): number {
  return Number(attestation.index.toBigInt());
}
