import {
  AccountUpdate,
  Bool,
  type DeployArgs,
  Field,
  method,
  Permissions,
  PublicKey,
  SmartContract,
  State,
  state,
  VerificationKey,
} from 'o1js';
import { dispatch, EMPTY_ACTION_STATE, MARKER, OPENED, RECORD_VERSION } from './actions.js';
import { Attestation, AttestationWitness } from './attestation.js';
import { Commitment } from './commitment.js';
import { SETTLEMENT_KEY_HASH } from './contract-key.js';
import { COMPLETE, InferenceProof } from './inference-proof.js';
import { ModelEvent, OwnerEvent, ownerHash } from './owner.js';
import { EMPTY_ROOT } from './record.js';
import { SettlementProof } from './settlement/program.js';
import { RecordState } from './settlement/statement.js';

/**
 * The record of proved inferences, first of one committed model, later of those its owner puts in
 * that one's place.
 *
 * An attestation goes through two transactions. `attest` verifies its proof and puts it into the
 * account's queue, Mina's actions: that changes no state, so any number fits into one block. `settle`
 * takes any number from the front of the queue into the record, a Merkle tree whose root is state.
 * Anyone may do both. Once settled, other contracts can rely on it: `requireAttested`.
 *
 * The queue's position is the action state, a hash of everything ever queued. A settlement proof starts
 * where the last one stopped, and shows that its end lies on the way to an action state that the ledger
 * vouches for: nothing can be left out, put in, moved or taken twice.
 */
export class AttestationContract extends SmartContract {
  @state(Field) modelRoot = State<Field>();
  @state(Field) vocabularyRoot = State<Field>();
  @state(Field) verifierKeyHash = State<Field>();
  /** `ownerHash` of the key that may call `rotateOwner` and `updateModel`. */
  @state(Field) owner = State<Field>();
  /** Root of the record: the tree of settled submissions, by the hashes of their actions. */
  @state(Field) root = State<Field>();
  /** Settled submissions, repeats included. */
  @state(Field) count = State<Field>();
  /** The action state up to which the queue is settled. */
  @state(Field) settledActions = State<Field>();
  /** `RECORD_VERSION`: for code that takes this one's place after a hard fork. */
  @state(Field) recordVersion = State<Field>();

  override readonly events = {
    initialize: Commitment,
    attest: Attestation,
    settle: RecordState,
    updateModel: ModelEvent,
    rotateOwner: OwnerEvent,
  };

  /**
   * Deploys and commits in one transaction. It must be proved, and signed by the account's key.
   *
   * @param args.owner who may update the model; the account's own key if not given
   * @throws if the contract was not compiled and no verification key is given.
   */
  override async deploy(
    args: DeployArgs & { commitment: Commitment; owner?: PublicKey },
  ): Promise<void> {
    await super.deploy(args);
    // `initialize` makes them final
    this.account.permissions.set({
      ...attestationPermissions(),
      setPermissions: Permissions.proof(),
    });
    await this.initialize(args.commitment, args.owner ?? this.address);
  }

  /**
   * Sets the whole state and the final permissions, once: afterwards the account's `provedState` is true
   * for good. Called by `deploy`.
   *
   * It opens the queue with a marker. What an account queued before it had this code comes before the
   * marker or, if it forged one, makes this one a second: either way, no settlement can pass it.
   */
  @method async initialize(commitment: Commitment, owner: PublicKey) {
    this.account.provedState.requireEquals(Bool(false));
    // noticed early where possible: the ledger accepts any of the last five action states
    this.account.actionState.requireEquals(EMPTY_ACTION_STATE);
    this.account.permissions.set(attestationPermissions());
    AccountUpdate.createSigned(this.address);

    this.setCommitment(commitment);
    this.owner.set(ownerHash(owner));
    this.root.set(EMPTY_ROOT);
    this.count.set(Field(0));
    this.settledActions.set(OPENED);
    this.recordVersion.set(Field(RECORD_VERSION));
    dispatch(this.self, MARKER);

    this.emitEvent('initialize', commitment);
  }

  /**
   * Submits that the committed model answers `inputHash` with `outputHash`.
   *
   * Anyone may: the proof is the permission. It depends on the commitment only, which no submission
   * changes. A statement may be submitted again; the record then holds it twice.
   *
   * @param proof proof of a finished inference
   * @param verificationKey key of the inference program; must hash to the committed value
   */
  @method async attest(proof: InferenceProof, verificationKey: VerificationKey) {
    this.account.provedState.requireEquals(Bool(true));
    const { modelRoot, vocabularyRoot, verifierKeyHash } = this.requireCommitment();

    // the proof system checks in-circuit that `hash` belongs to the key's data
    verificationKey.hash.assertEquals(
      verifierKeyHash,
      'attest: verification key is not the one the owner committed to',
    );
    proof.verify(verificationKey);
    proof.publicOutput.assertEquals(COMPLETE, 'attest: the proof is of an unfinished inference');

    const statement = proof.publicInput;
    modelRoot.assertEquals(statement.modelRoot, 'attest: the proof is of another model');
    vocabularyRoot.assertEquals(
      statement.vocabularyRoot,
      'attest: the proof is of another vocabulary',
    );

    const attestation = new Attestation({ statement, verifierKeyHash });
    dispatch(this.self, Attestation.toFields(attestation));
    this.emitEvent('attest', attestation);
  }

  /**
   * Takes submissions from the front of the queue into the record, as many as the proof does. Anyone may.
   *
   * @param proof from `Settler.settle`
   * @param verificationKey key of the settlement program
   */
  @method async settle(proof: SettlementProof, verificationKey: VerificationKey) {
    this.account.provedState.requireEquals(Bool(true));
    verificationKey.hash.assertEquals(
      Field(SETTLEMENT_KEY_HASH),
      'settle: verification key is not that of the settlement program',
    );
    proof.verify(verificationKey);
    const { before, after, reached } = proof.publicInput;

    const stale = 'settle: others have settled since; settle again, which reuses what is proved';
    this.root.getAndRequireEquals().assertEquals(before.root, stale);
    this.count.getAndRequireEquals().assertEquals(before.count, stale);
    this.settledActions.getAndRequireEquals().assertEquals(before.actions, stale);
    this.account.actionState.requireEquals(reached);

    this.root.set(after.root);
    this.count.set(after.count);
    this.settledActions.set(after.actions);
    this.emitEvent('settle', after);
  }

  /**
   * For other contracts: fails unless the record holds that the model committed to *now* answers
   * `inputHash` with `outputHash`. Reads only.
   */
  @method async requireAttested(inputHash: Field, outputHash: Field, witness: AttestationWitness) {
    this.requireRecorded(this.requireCommitment(), inputHash, outputHash, witness);
  }

  /** The same for a given model, be it the current one or an earlier one. */
  @method async requireAttestedBy(
    commitment: Commitment,
    inputHash: Field,
    outputHash: Field,
    witness: AttestationWitness,
  ) {
    this.requireRecorded(commitment, inputHash, outputHash, witness);
  }

  /**
   * Puts another model, or other circuits, in the place of the committed one. Signed by the owner,
   * whose account must exist. What is recorded or queued stays with the model it was made with.
   */
  @method async updateModel(owner: PublicKey, commitment: Commitment) {
    this.requireOwner(owner);
    const previous = this.requireCommitment();
    this.setCommitment(commitment);
    this.emitEvent('updateModel', new ModelEvent({ previous, next: commitment }));
  }

  /** Hands the model over to another key. Signed by the present owner, whose account must exist. */
  @method async rotateOwner(owner: PublicKey, next: PublicKey) {
    this.requireOwner(owner);
    this.owner.set(ownerHash(next));
    this.emitEvent('rotateOwner', new OwnerEvent({ previous: owner, next }));
  }

  private requireCommitment(): Commitment {
    return new Commitment({
      modelRoot: this.modelRoot.getAndRequireEquals(),
      vocabularyRoot: this.vocabularyRoot.getAndRequireEquals(),
      verifierKeyHash: this.verifierKeyHash.getAndRequireEquals(),
    });
  }

  private setCommitment({ modelRoot, vocabularyRoot, verifierKeyHash }: Commitment): void {
    this.modelRoot.set(modelRoot);
    this.vocabularyRoot.set(vocabularyRoot);
    this.verifierKeyHash.set(verifierKeyHash);
  }

  private requireOwner(owner: PublicKey): void {
    this.account.provedState.requireEquals(Bool(true));
    this.owner
      .getAndRequireEquals()
      .assertEquals(ownerHash(owner), 'only the owner may do this; the key given is not its key');
    AccountUpdate.createSigned(owner);
  }

  private requireRecorded(
    commitment: Commitment,
    inputHash: Field,
    outputHash: Field,
    witness: AttestationWitness,
  ): void {
    this.account.provedState.requireEquals(Bool(true));
    const attestation = Attestation.of(commitment, inputHash, outputHash);
    this.root
      .getAndRequireEquals()
      .assertEquals(
        AttestationWitness.root(witness, attestation),
        'requireAttested: not in the record; was it settled, and is the witness of the latest record?',
      );
  }
}

/**
 * State changes and submissions by proof only; the key can't be replaced while the network's current
 * transaction version lasts; permissions are final; the account neither holds nor moves funds.
 *
 * `access` stays open: it lets any contract pin this one's state by a precondition, without a proof.
 * `incrementNonce` stays with the account's key: it protects its signatures from replay.
 */
export function attestationPermissions(): Permissions {
  return {
    ...Permissions.allImpossible(),
    editState: Permissions.proof(),
    editActionState: Permissions.proof(),
    access: Permissions.none(),
    incrementNonce: Permissions.signature(),
    setVerificationKey: Permissions.VerificationKey.impossibleDuringCurrentVersion(),
  };
}

/**
 * Are these the permissions that `deploy` sets, for the present network version?
 *
 * **Note**: o1js 2.15 loses the verification key's permission of accounts that it fetches from a node: these are never locked. Ask
 * the node for them, as `readContract` does.
 */
export function isLocked(permissions: Permissions): boolean {
  return canonical(permissions) === canonical(attestationPermissions());
}

/** JSON whose keys are in one order. */
function canonical(value: unknown): string {
  const plain: unknown = JSON.parse(JSON.stringify(value ?? null));
  return JSON.stringify(plain, (_, each: unknown) =>
    typeof each === 'object' && each !== null
      ? Object.fromEntries(Object.entries(each).sort())
      : each,
  );
}
