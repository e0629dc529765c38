/** Payments and delegations: one signature, no proof, and what they do to the ledger. */
import Client from 'mina-signer';
import { z } from 'zod';
import type { AccountJson } from '@attensor/contracts/ledger';
import { AttensorError, present } from '@attensor/core';
import { DEFAULT_TOKEN, type Failures, type Ledger } from './ledger.js';

const MAX_UINT32 = '4294967295';
const natural = z
  .union([z.string().regex(/^\d{1,20}$/), z.number().int().nonnegative()])
  .transform(String);

const commonSchema = z.object({
  from: z.string(),
  to: z.string(),
  fee: natural,
  nonce: natural,
  memo: z.string().max(32).default(''),
  validUntil: natural.default(MAX_UINT32),
});

/** What `sendPayment` and `sendDelegation` carry, and the log keeps. */
export const signedCommandSchema = z.discriminatedUnion('kind', [
  commonSchema.extend({
    kind: z.literal('payment'),
    amount: natural,
    signature: z.object({ field: z.string(), scalar: z.string() }),
  }),
  commonSchema.extend({
    kind: z.literal('delegation'),
    signature: z.object({ field: z.string(), scalar: z.string() }),
  }),
]);
export type SignedCommand = z.infer<typeof signedCommandSchema>;

export interface SignatureInput {
  field?: string | null;
  scalar?: string | null;
  rawSignature?: string | null;
}

const client = new Client({ network: 'devnet' });

/** A signature as the daemon takes it: two numbers, or 128 hexadecimal digits. */
export function signatureOf(input: SignatureInput | null | undefined): {
  field: string;
  scalar: string;
} {
  if (input?.field && input.scalar) return { field: input.field, scalar: input.scalar };
  const raw = input?.rawSignature;
  if (raw && /^[0-9a-fA-F]{128}$/.test(raw)) {
    const number = (hex: string) =>
      BigInt(`0x${Buffer.from(hex, 'hex').reverse().toString('hex')}`).toString();
    return { field: number(raw.slice(0, 64)), scalar: number(raw.slice(64)) };
  }
  throw new AttensorError({
    code: 'INVALID_SIGNATURE',
    what: 'the transaction is not signed',
    expected: 'signature: {field, scalar} or {rawSignature}',
    got: raw ? 'a rawSignature that is not 128 hexadecimal digits' : 'none',
    hint: 'sign it with mina-signer; this node keeps no unlocked wallets',
  });
}

/** @throws AttensorError when the signature is not by the sender */
export function checkSigned(command: SignedCommand): void {
  const { signature, from } = command;
  let valid: boolean;
  try {
    valid =
      command.kind === 'payment'
        ? client.verifyPayment({ data: paymentOf(command), signature, publicKey: from })
        : client.verifyStakeDelegation({ data: delegationOf(command), signature, publicKey: from });
  } catch (error) {
    throw new AttensorError({
      code: 'BAD_TRANSACTION',
      what: `the ${command.kind} is not well-formed`,
      got: error instanceof Error ? error.message : String(error),
      hint: 'send the data that was signed, amounts in nanomina',
    });
  }
  if (valid) return;
  throw new AttensorError({
    code: 'INVALID_SIGNATURE',
    what: `the signature of the ${command.kind} does not verify`,
    where: from,
    hint: 'sign for network testnet, and send exactly the fields that were signed',
  });
}

export function hashSigned(command: SignedCommand): string {
  const { signature, from: publicKey } = command;
  const options = { berkeley: true };
  return command.kind === 'payment'
    ? client.hashPayment({ data: paymentOf(command), signature, publicKey }, options)
    : client.hashStakeDelegation({ data: delegationOf(command), signature, publicKey }, options);
}

function paymentOf({ from, to, fee, nonce, memo, validUntil, ...rest }: SignedCommand) {
  return { from, to, fee, nonce, memo, validUntil, amount: 'amount' in rest ? rest.amount : '0' };
}

function delegationOf({ from, to, fee, nonce, memo, validUntil }: SignedCommand) {
  return { from, to, fee, nonce, memo, validUntil };
}

/**
 * Takes fee and nonce, then moves the money or sets the delegate. Fee, nonce and signature have been
 * checked. Fees are burned: there is no block producer.
 *
 * @returns what failed; if anything did, only the fee was taken
 */
export function applySigned(
  ledger: Ledger,
  command: SignedCommand,
  { slot, accountCreationFee }: { slot: number; accountCreationFee: bigint },
): Failures {
  const sender = { publicKey: command.from, tokenId: DEFAULT_TOKEN };
  const receiver = { publicKey: command.to, tokenId: DEFAULT_TOKEN };
  const before = present(ledger.account(sender), "the sender's account");
  ledger.update(sender, {
    balance: BigInt(before.balance) - BigInt(command.fee),
    nonce: Number(before.nonce) + 1,
  });
  const charged = present(ledger.account(sender), "the sender's account");
  const existing = ledger.account(receiver);
  const fail = (reason: string): Failures => [[reason]];

  if (command.kind === 'delegation') {
    if (existing === undefined) return fail('Receiver_not_present');
    if (!allows(charged, 'setDelegate', 'Signature')) return fail('Update_not_permitted_delegate');
    ledger.update(sender, { delegate: command.to });
    return [];
  }
  const amount = BigInt(command.amount);
  if (!allows(charged, 'send', 'Signature')) return fail('Update_not_permitted_balance');
  const left = BigInt(charged.balance) - amount;
  if (left < 0n) return fail('Source_insufficient_balance');
  if (left < minimumBalance(charged.timing, slot)) return fail('Source_minimum_balance_violation');
  if (existing === undefined) {
    if (amount < accountCreationFee) return fail('Amount_insufficient_to_create_account');
    ledger.update(sender, { balance: left });
    ledger.addAccount(command.to, amount - accountCreationFee);
    return [];
  }
  if (!allows(existing, 'receive', 'None')) return fail('Update_not_permitted_balance');
  ledger.update(sender, { balance: left });
  const current = present(ledger.account(receiver), "the receiver's account");
  ledger.update(receiver, { balance: BigInt(current.balance) + amount });
  return [];
}

/** Whether an authorization is enough for a permission, and for access to the account at all. */
function allows(
  { permissions }: AccountJson,
  name: 'send' | 'receive' | 'setDelegate',
  given: 'Signature' | 'None',
): boolean {
  return [permissions[name], permissions.access].every((required) =>
    given === 'None' ? required === 'None' : ['None', 'Either', 'Signature'].includes(required),
  );
}

/** What a timed account must keep. */
export function minimumBalance(timing: AccountJson['timing'], slot: number): bigint {
  if (!timing.isTimed) return 0n;
  const initial = BigInt(timing.initialMinimumBalance);
  const sinceCliff = BigInt(slot) - BigInt(timing.cliffTime);
  if (sinceCliff < 0n) return initial;
  const period = BigInt(timing.vestingPeriod);
  const periods = period === 0n ? 0n : sinceCliff / period;
  const vested = BigInt(timing.cliffAmount) + periods * BigInt(timing.vestingIncrement);
  return vested >= initial ? 0n : initial - vested;
}
