/**
 * What a transaction does, read off the transaction itself: whoever signs need not believe what the
 * file says of it.
 */
import { inMina } from './alias.js';
import type { TransactionFile } from './transaction-file.js';

/** The parts of an account update that matter to a signer. */
interface UpdateBody {
  publicKey: string;
  balanceChange?: { magnitude: string; sgn: string };
  update?: Record<string, unknown>;
  events?: unknown[];
  actions?: unknown[];
}

/** One line each: the fee, and every account that something happens to. */
export function effects(file: TransactionFile): string[] {
  const { fee, nonce } = file.kind === 'zkapp' ? file.command.feePayer.body : file.command;
  const payer = file.kind === 'zkapp' ? file.command.feePayer.body.publicKey : file.command.from;
  const cost = `${payer} pays a fee of ${inMina(fee)} MINA, nonce ${nonce}`;
  switch (file.kind) {
    case 'payment':
      return [cost, `${payer} pays ${inMina(file.command.amount)} MINA to ${file.command.to}`];
    case 'delegation':
      return [cost, `${payer} delegates to ${file.command.to}`];
    case 'zkapp':
      return [cost, ...file.command.accountUpdates.map(({ body }) => effectOf(body as UpdateBody))];
  }
}

function effectOf({ publicKey, balanceChange, update = {}, events, actions }: UpdateBody): string {
  const amount = BigInt(balanceChange?.magnitude ?? 0);
  const changed = Object.entries(update)
    .filter(([, value]) => (Array.isArray(value) ? value.some((v) => v !== null) : value !== null))
    .map(([name]) => name);
  const parts = [
    amount > 0n && `${balanceChange?.sgn === 'Negative' ? 'pays' : 'gets'} ${inMina(amount)} MINA`,
    changed.length > 0 && `sets ${changed.join(', ')}`,
    actions?.length && `${actions.length} actions`,
    events?.length && `${events.length} events`,
  ].filter(Boolean);
  return `${publicKey} ${parts.length > 0 ? parts.join(', ') : 'is read or authorizes'}`;
}
