/** A zkApp command as it comes in: is it one, and do its proofs hold? */
import { Transaction, type Types, verify, VerificationKey, ZkappPublicInput } from 'o1js';
import { AttensorError } from '@attensor/core';
import type { Internals } from '@attensor/core/o1js';
import { DEFAULT_TOKEN, type Ledger } from './ledger.js';

export type ZkappCommandJson = ReturnType<typeof Types.ZkappCommand.toJSON>;
type Transaction_ = ReturnType<typeof Transaction.fromJSON>;

export interface ZkappCommand {
  json: ZkappCommandJson;
  hash: string;
  transaction: Transaction_['transaction'];
}

/** @throws AttensorError with the place of the first thing that is not as it should be */
export function parseZkappCommand(value: unknown, internals: Internals): ZkappCommand {
  const malformed = (got: string, where = 'zkappCommand') =>
    new AttensorError({
      code: 'BAD_TRANSACTION',
      what: 'the zkApp command is not well-formed',
      where,
      got,
      hint: 'send what `transaction.toJSON()` of o1js gives',
    });
  let transaction: Transaction_;
  let json: ZkappCommandJson;
  try {
    transaction = Transaction.fromJSON(value as Parameters<typeof Transaction.fromJSON>[0]);
    json = JSON.parse(transaction.toJSON()) as ZkappCommandJson;
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error));
  }
  const difference = firstDifference(json, value, 'zkappCommand');
  if (difference !== undefined) throw malformed(difference.got, difference.where);
  try {
    internals.verifyTransactionLimits(transaction.transaction);
  } catch (error) {
    throw new AttensorError({
      code: 'BAD_TRANSACTION',
      what: 'the zkApp command exceeds the limits of the network',
      got: error instanceof Error ? error.message.trim() : String(error),
      hint: 'split it into several transactions',
    });
  }
  const hash = internals.hashZkappCommand(JSON.stringify(json));
  return { json, hash, transaction: transaction.transaction };
}

/** Where a value differs from its canonical form; numbers may come without quotes. */
function firstDifference(
  canonical: unknown,
  value: unknown,
  where: string,
): { where: string; got: string } | undefined {
  if (typeof canonical !== 'object' || canonical === null) {
    const same = value === canonical || (canonical !== null && String(value) === String(canonical));
    return same ? undefined : { where, got: JSON.stringify(value) ?? 'nothing' };
  }
  if (typeof value !== 'object' || value === null) {
    return { where, got: JSON.stringify(value) ?? 'nothing' };
  }
  for (const key of new Set([...Object.keys(canonical), ...Object.keys(value)])) {
    const inside = Array.isArray(canonical) ? `${where}[${key}]` : `${where}.${key}`;
    // an option that is not used may be left out
    const given = (value as Record<string, unknown>)[key] ?? null;
    if (!(key in canonical)) return { where: inside, got: 'a field that does not belong there' };
    const difference = firstDifference((canonical as Record<string, unknown>)[key], given, inside);
    if (difference !== undefined) return difference;
  }
  return undefined;
}

/**
 * Verifies every proof against the key that its account update names by hash: the account's, or one
 * set by an earlier update of the same command. That it is the account's key when its turn comes is
 * checked by the transaction logic.
 *
 * @throws AttensorError when one is not valid
 */
export async function verifyProofs(
  { json, transaction }: ZkappCommand,
  ledger: Ledger,
): Promise<void> {
  const keys = new Map<string, string>();
  for (const [index, update] of transaction.accountUpdates.entries()) {
    const { body, authorization } = json.accountUpdates[index];
    const where = `accountUpdates[${index}]`;
    const { isProved, verificationKeyHash } = body.authorizationKind;
    if (isProved !== (authorization.proof !== null)) {
      throw invalidProof(where, 'a proof', isProved ? 'none' : 'one that is not declared');
    }
    const setKey = body.update.verificationKey;
    if (setKey !== null) {
      const { data, hash } = setKey;
      const value = update.body.update.verificationKey.value;
      if (!(await VerificationKey.checkValidity(value))) {
        throw invalidProof(`${where}.body.update.verificationKey`, 'the hash of its data', hash);
      }
      keys.set(hash, data);
    }
    const stored = ledger.account({ publicKey: body.publicKey, tokenId: body.tokenId });
    const accountKey = stored?.zkapp?.verificationKey;
    if (accountKey) keys.set(accountKey.hash, accountKey.data);
    if (!isProved || authorization.proof === null) continue;

    const key = keys.get(verificationKeyHash);
    if (key === undefined) {
      const account = body.tokenId === DEFAULT_TOKEN ? '' : ` of token ${body.tokenId}`;
      throw invalidProof(
        where,
        `a verification key with hash ${verificationKeyHash} at ${body.publicKey}${account}`,
        accountKey ? `one with hash ${accountKey.hash}` : 'an account without one',
      );
    }
    const publicInput = ZkappPublicInput.toFields(update.toPublicInput(transaction));
    const proof = {
      maxProofsVerified: 2 as const,
      proof: authorization.proof,
      publicInput: publicInput.map(String),
      publicOutput: [],
    };
    if (!(await verify(proof, key).catch(() => false))) {
      throw invalidProof(where, 'a valid proof', 'one that does not verify');
    }
  }
}

function invalidProof(where: string, expected: string, got: string): AttensorError {
  return new AttensorError({
    code: 'INVALID_PROOF',
    what: 'a proof of the zkApp command does not verify',
    where,
    expected,
    got,
    hint: 'call `transaction.prove()` after the last change, with the contract compiled',
  });
}

/** For keeping: proofs are large, and were checked. */
export function withoutProofs(json: ZkappCommandJson): ZkappCommandJson {
  return {
    ...json,
    accountUpdates: json.accountUpdates.map((update) => ({
      ...update,
      authorization: { ...update.authorization, proof: null },
    })),
  };
}
