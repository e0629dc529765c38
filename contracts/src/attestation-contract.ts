import {
  AccountUpdate,
  Bool,
  type DeployArgs,
  Field,
  method,
  Permissions,
  SmartContract,
  State,
  state,
  VerificationKey,
} from 'o1js';
import { Attestation, attestationsHash, EMPTY_ATTESTATIONS } from './attestation.js';
import { Commitment } from './commitment.js';
import { COMPLETE, InferenceProof } from './inference-proof.js';
import { Statement } from './statement.js';

export { AttestationContract, attestationPermissions };

/**
 * The record of one committed model's proved inferences.
 *
 * Life of an account: `deploy({ commitment })` installs the key, the permissions and, by a proof of
 * `initialize`, the state. From then on only `attest` changes anything, and only for a proof of a
 * finished inference of the committed model.
 *
 * The owner is whoever holds the account's own key: its signature is needed to initialize (and is
 * what a rotation of the commitment will ask for), it gives no other power. That leaves a field of
 * the eight free: an owner in state would cost one or two.
 */
class AttestationContract extends SmartContract {
  @state(Field) modelRoot = State<Field>();
  @state(Field) vocabularyRoot = State<Field>();
  @state(Field) verifierKeyHash = State<Field>();
  /** `attestationsHash` of the last one. */
  @state(Field) attestations = State<Field>();
  @state(Field) count = State<Field>();
  @state(Field) latestInputHash = State<Field>();
  @state(Field) latestOutputHash = State<Field>();
  /** Unused, always zero: where a later version records how far actions were settled. */
  @state(Field) reserved = State<Field>();

  override readonly events = { initialize: Commitment, attest: Attestation };

  /**
   * Deploys and commits in one transaction. It must be proved, and signed by the account's key.
   *
   * @throws if the contract was not compiled and no verification key is given.
   */
  override async deploy(args: DeployArgs & { commitment: Commitment }): Promise<void> {
    await super.deploy(args);
    this.account.permissions.set(attestationPermissions());
    await this.initialize(args.commitment);
  }

  /**
   * Sets the whole state, once: afterwards the account's `provedState` is true for good. Called by
   * `deploy`.
   */
  @method async initialize(commitment: Commitment) {
    this.account.provedState.requireEquals(Bool(false));
    AccountUpdate.createSigned(this.address);

    this.modelRoot.set(commitment.modelRoot);
    this.vocabularyRoot.set(commitment.vocabularyRoot);
    this.verifierKeyHash.set(commitment.verifierKeyHash);
    this.attestations.set(EMPTY_ATTESTATIONS);
    this.count.set(Field(0));
    this.latestInputHash.set(Field(0));
    this.latestOutputHash.set(Field(0));
    this.reserved.set(Field(0));

    this.emitEvent('initialize', commitment);
  }

  /**
   * Records that the committed model answers `inputHash` with `outputHash`.
   *
   * Anyone may submit: the proof is the permission. A statement may be recorded more than once,
   * which repeats a truth and nothing else.
   *
   * @param proof proof of a finished inference
   * @param verificationKey key of the inference program; must hash to the committed value
   */
  @method async attest(proof: InferenceProof, verificationKey: VerificationKey) {
    this.account.provedState.requireEquals(Bool(true));

    const verifierKeyHash = this.verifierKeyHash.getAndRequireEquals();
    // the proof system checks in-circuit that `hash` belongs to the key's data
    verificationKey.hash.assertEquals(
      verifierKeyHash,
      'attest: verification key is not the one the owner committed to',
    );
    proof.verify(verificationKey);
    proof.publicOutput.assertEquals(COMPLETE, 'attest: the proof is of an unfinished inference');

    const statement = proof.publicInput;
    this.modelRoot
      .getAndRequireEquals()
      .assertEquals(statement.modelRoot, 'attest: the proof is of another model');
    this.vocabularyRoot
      .getAndRequireEquals()
      .assertEquals(statement.vocabularyRoot, 'attest: the proof is of another vocabulary');

    const index = this.count.getAndRequireEquals();
    const previous = this.attestations.getAndRequireEquals();
    const attestation = new Attestation({ index, statement, verifierKeyHash, previous });
    this.attestations.set(attestationsHash(attestation));
    this.count.set(index.add(1));
    this.latestInputHash.set(statement.inputHash);
    this.latestOutputHash.set(statement.outputHash);

    this.emitEvent('attest', attestation);
  }

  /**
   * The most recent attestation, for other contracts: they may rely on the returned statement.
   *
   * Reads only. Fails while there is none. Anyone may attest another statement at any time, so a
   * caller that needs a certain input or model compares the hashes itself.
   */
  @method.returns(Statement) async latest() {
    this.account.provedState.requireEquals(Bool(true));
    const inputHash = this.latestInputHash.getAndRequireEquals();
    inputHash.assertNotEquals(Field(0), 'latest: nothing has been attested yet');
    return new Statement({
      modelRoot: this.modelRoot.getAndRequireEquals(),
      vocabularyRoot: this.vocabularyRoot.getAndRequireEquals(),
      inputHash,
      outputHash: this.latestOutputHash.getAndRequireEquals(),
    });
  }
}

/**
 * State changes by proof only; the key can't be replaced while the network's current transaction
 * version lasts; permissions are final; the account neither holds nor moves funds.
 *
 * `access` stays open: it lets any contract pin this one's state by a precondition, without a proof.
 * `incrementNonce` stays with the owner: it protects the owner's signatures from replay.
 */
function attestationPermissions(): Permissions {
  return {
    ...Permissions.allImpossible(),
    editState: Permissions.proof(),
    editActionState: Permissions.proof(),
    access: Permissions.none(),
    incrementNonce: Permissions.signature(),
    setVerificationKey: Permissions.VerificationKey.impossibleDuringCurrentVersion(),
  };
}
