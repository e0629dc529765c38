/** Is the account at an address the attestation contract that a reader may trust? */
import { AttensorError } from '@attensor/core';
import type { PublicKey } from 'o1js';
import { type ContractState, readContract } from './account.js';
import { Commitment } from './commitment.js';
import { CONTRACT_KEY_HASH } from './contract-key.js';
import { readAll, type Reading, type ReadOptions } from './read.js';

/** A commitment as `commitment.json` has it, or the contract's type. */
export type CommitmentLike =
  Commitment | Readonly<Record<'modelRoot' | 'vocabularyRoot' | 'verifierKeyHash', string>>;

/** What a reader expects of a contract. */
export interface Expected {
  /** The model and its circuits. What is not given is not compared. */
  commitment?: CommitmentLike;
  /** Hash of the circuits' key alone. */
  verifierKeyHash?: { toString(): string };
  /** Hash of the contract's code: that of this version if not given. Another one is for chains without proofs. */
  contractKeyHash?: { toString(): string };
}

/** What was compared: undefined where nothing was expected, or nobody was asked. */
export interface Genuineness {
  /** The account's code is this version's. */
  code: boolean;
  /** Its permissions are final, for the present network version. */
  permissions: boolean;
  /** Proofs made its whole state. */
  provedState: boolean;
  /** The circuits are the expected ones. */
  circuits: boolean | undefined;
  /** The model is the expected one. */
  commitment: boolean | undefined;
  /** The queue began with the contract's own deployment, and holds nothing but attestations. */
  deployment: boolean | undefined;
}

/** All checks that the account alone allows; `deployment` stays undefined. */
export function genuineness(contract: ContractState, expected: Expected = {}): Genuineness {
  const { contractKeyHash = CONTRACT_KEY_HASH, verifierKeyHash, commitment } = expected;
  const found = Commitment.toJSON(contract.commitment);
  const wanted = commitment === undefined ? undefined : jsonOf(commitment);
  const circuits = verifierKeyHash?.toString() ?? wanted?.verifierKeyHash;
  return {
    code: contract.contractKeyHash.toString() === contractKeyHash.toString(),
    permissions: contract.locked,
    provedState: contract.provedState,
    circuits: circuits === undefined ? undefined : found.verifierKeyHash === circuits,
    commitment:
      wanted === undefined
        ? undefined
        : found.modelRoot === wanted.modelRoot && found.vocabularyRoot === wanted.vocabularyRoot,
    deployment: undefined,
  };
}

const WORDS: Record<keyof Genuineness, string> = {
  code: 'other code guards the account',
  permissions: 'the permissions are not final, or not those of the contract',
  provedState: 'something else than proofs has written the state',
  circuits: 'other circuits are committed to',
  commitment: 'another model is committed to',
  deployment: "the queue did not begin with the contract's deployment",
};

/** Why not, in words; nothing where all that was compared held. */
export function notGenuine(checks: Genuineness): string | undefined {
  const failed = (Object.keys(WORDS) as (keyof Genuineness)[]).filter(
    (name) => checks[name] === false,
  );
  return failed.length === 0 ? undefined : failed.map((name) => WORDS[name]).join('; ');
}

/**
 * Reads a contract and everything submitted to it, and fails unless it is the one that is expected: its code, its permissions, that
 * proofs made its state, its circuits and model, and that its queue began with its deployment.
 *
 * @throws NOT_GENUINE, as `readAll`
 */
export async function requireGenuine(
  address: PublicKey,
  expected: Expected = {},
  options: ReadOptions = {},
): Promise<{ checks: Genuineness; reading: Reading }> {
  // a foreign account's actions need not be read, nor make sense
  requireChecks(address, genuineness(await readContract(address, options), expected));
  const reading = await readAll(address, options);
  const checks = { ...genuineness(reading.contract, expected), deployment: true };
  requireChecks(address, checks);
  return { checks, reading };
}

function requireChecks(address: PublicKey, checks: Genuineness): void {
  const got = notGenuine(checks);
  if (got === undefined) return;
  throw new AttensorError({
    code: 'NOT_GENUINE',
    what: 'this is not the attestation contract that is expected here: what it says proves nothing',
    where: address.toBase58(),
    got,
    hint: 'Check the address, and the version of this program',
  });
}

function jsonOf(commitment: CommitmentLike) {
  return typeof commitment.modelRoot === 'string'
    ? (commitment as Readonly<Record<'modelRoot' | 'vocabularyRoot' | 'verifierKeyHash', string>>)
    : Commitment.toJSON(commitment as Commitment);
}
