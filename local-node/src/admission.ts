/** What is checked before a transaction is let into the pool: fee, nonce, balance and validity. */
import type { AccountJson } from '@attensor/contracts/ledger';
import { AttensorError } from '@attensor/core';
import { minimumBalance } from './signed-command.js';

/** nanomina; as on Mina's networks */
const MINIMUM_FEE = 1_000_000n;

export interface FeePayer {
  publicKey: string;
  /** nanomina */
  fee: string;
  nonce: string;
  validUntil: string | null;
}

/**
 * As a daemon's pool does it.
 *
 * @param account of the fee payer, pending transactions applied
 * @param options.amount that a payment takes besides the fee. What a zkApp command moves is checked in
 * the block only
 * @throws AttensorError
 */
export function requirePayable(
  payer: FeePayer,
  account: AccountJson | undefined,
  { slot, amount }: { slot: number; amount: bigint },
): void {
  const where = payer.publicKey;
  if (account === undefined) {
    throw new AttensorError({
      code: 'UNKNOWN_ACCOUNT',
      what: "the fee payer's account does not exist",
      where,
      hint: 'fund it, or use an account that GET /acquire-account gives',
    });
  }
  if (BigInt(payer.fee) < MINIMUM_FEE) {
    throw new AttensorError({
      code: 'INSUFFICIENT_FEE',
      what: 'the fee is below what the network takes',
      where,
      expected: `at least ${MINIMUM_FEE} nanomina (0.001 MINA)`,
      got: payer.fee,
      hint: 'build the transaction with a larger fee',
    });
  }
  if (payer.nonce !== account.nonce) {
    throw new AttensorError({
      code: 'INVALID_NONCE',
      what: "the nonce is not the fee payer's next one",
      where,
      expected: `${account.nonce}, pending transactions counted`,
      got: payer.nonce,
      hint: "query the account's inferredNonce",
    });
  }
  const liquid = BigInt(account.balance) - minimumBalance(account.timing, slot);
  const needed = BigInt(payer.fee) + amount;
  if (needed > liquid) {
    throw new AttensorError({
      code: 'INSUFFICIENT_FUNDS',
      what: 'the fee payer cannot pay the fee and the amount',
      where,
      expected: `at least ${needed} nanomina, pending transactions counted`,
      got: `${liquid} nanomina that are not locked`,
      hint: 'fund the account, or send less',
    });
  }
  if (payer.validUntil !== null && BigInt(payer.validUntil) < BigInt(slot)) {
    throw new AttensorError({
      code: 'EXPIRED',
      what: 'the transaction is no longer valid',
      where,
      expected: `valid until slot ${slot} or later`,
      got: payer.validUntil,
    });
  }
}

/** Why the transaction logic would not even take the fee. */
export function rejected(error: unknown): AttensorError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('Check signature')) {
    return new AttensorError({
      code: 'INVALID_SIGNATURE',
      what: 'a signature of the zkApp command does not verify',
      got: message.replace(/^.*?Check signature: /s, '').replace(/"\)?$/, ''),
      hint: 'call `transaction.sign([...])` with the keys of all accounts that must sign, after the last change',
    });
  }
  const reason = /\[\["?([A-Za-z_]+)/.exec(message)?.[1];
  return new AttensorError({
    code: 'BAD_TRANSACTION',
    what: 'the fee could not be taken',
    got: reason ?? message,
  });
}
