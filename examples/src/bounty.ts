/** A contract of another party, that acts on what a model has answered. */
import { AttestationContract, AttestationWitness, Commitment } from '@attensor/contracts';
import {
  AccountUpdate,
  Bool,
  type DeployArgs,
  Field,
  method,
  Permissions,
  Poseidon,
  PublicKey,
  SmartContract,
  State,
  state,
  Struct,
  UInt32,
  UInt64,
} from 'o1js';

/** What was agreed. Public: whoever claims gives it, the contract holds its hash. */
export class BountyTerms extends Struct({
  /** The attestation contract, and the model whose answer counts: a later model's does not. */
  oracle: PublicKey,
  commitment: Commitment,
  inputHash: Field,
  outputHash: Field,
  beneficiary: PublicKey,
  /** Gets the amount back if there is no such answer until the deadline. */
  funder: PublicKey,
  amount: UInt64,
  /** A global slot since genesis. */
  deadline: UInt32,
}) {
  static hash(terms: BountyTerms): Field {
    return Poseidon.hash(BountyTerms.toFields(terms));
  }
}

/**
 * Pays `amount` to `beneficiary` once the model has given the agreed answer to the agreed prompt.
 *
 * Anyone may send the claim, anyone the refund: both pay only whom the terms name.
 */
export class Bounty extends SmartContract {
  /** `BountyTerms.hash`; zero once it was paid. */
  @state(Field) terms = State<Field>();

  /** Signed by the account's key, and by the funder. The account is created on the way. */
  override async deploy(args: DeployArgs & { terms: BountyTerms }): Promise<void> {
    await super.deploy(args);
    this.account.permissions.set({
      ...Permissions.allImpossible(),
      access: Permissions.none(),
      receive: Permissions.none(),
      send: Permissions.proof(),
      editState: Permissions.proof(),
      incrementNonce: Permissions.signature(),
      setVerificationKey: Permissions.VerificationKey.impossibleDuringCurrentVersion(),
    });
    await this.open(args.terms);
  }

  /** Agrees on the terms, once, and takes the amount from the funder. */
  @method async open(terms: BountyTerms) {
    this.account.provedState.requireEquals(Bool(false));
    // all eight fields: that makes `provedState` true, so it can't be opened again
    this.self.body.update.appState.forEach((field) => AccountUpdate.setValue(field, Field(0)));
    this.terms.set(BountyTerms.hash(terms));
    AccountUpdate.createSigned(terms.funder).send({ to: this.address, amount: terms.amount });
  }

  /** @param witness from `attestationWitness`: the answer must be settled */
  @method async claim(terms: BountyTerms, witness: AttestationWitness) {
    this.requireOpen(terms);
    const { oracle, commitment, inputHash, outputHash } = terms;
    await new AttestationContract(oracle).requireAttestedBy(
      commitment,
      inputHash,
      outputHash,
      witness,
    );
    this.pay(terms.beneficiary, terms.amount);
  }

  @method async refund(terms: BountyTerms) {
    this.requireOpen(terms);
    this.network.globalSlotSinceGenesis.requireBetween(terms.deadline, UInt32.MAXINT());
    this.pay(terms.funder, terms.amount);
  }

  private requireOpen(terms: BountyTerms): void {
    this.account.provedState.requireEquals(Bool(true));
    this.terms
      .getAndRequireEquals()
      .assertEquals(BountyTerms.hash(terms), 'these are not the terms, or the bounty was paid');
  }

  private pay(to: PublicKey, amount: UInt64): void {
    this.terms.set(Field(0));
    this.send({ to, amount });
  }
}
