/** Options of the commands that work with a network. */
import {
  isPublicKey,
  ENDPOINTS_VARIABLE,
  MAX_CONFIRMATIONS,
  MAX_MEMO_BYTES,
  type SessionOptions,
} from '@attensor/chain';
import { type Command, InvalidArgumentError, Option } from 'commander';

export type AliasOptions = Pick<
  SessionOptions,
  'alias' | 'config' | 'contract' | 'cache' | 'endpoints'
>;
export type TransactionOptions = SessionOptions & { wait: boolean };

/** Which network. */
export function withNetwork(command: Command): Command {
  return command
    .requiredOption('--alias <name>', 'deployment alias in the configuration')
    .option('--config <file>', "zkapp-cli's configuration", 'config.json')
    .option(
      '--endpoints <file>',
      `nodes and archives with headers, in place of the alias's (default: $${ENDPOINTS_VARIABLE})`,
    );
}

export function withAlias(command: Command): Command {
  return withNetwork(command)
    .option(
      '--contract <address>',
      "address of the contract (default: the public key in the alias's keyPath)",
      publicKeyOption,
    )
    .option(
      '--cache <dir>',
      'where keys and unfinished transactions are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    );
}

export function withTransaction(command: Command): Command {
  const chosen = withAlias(command)
    .option('--fee <mina>', "fee (default: the alias's fee)")
    .option('--nonce <n>', "the fee payer's nonce (default: its next one)", nonceOption)
    .option('--memo <text>', `at most ${MAX_MEMO_BYTES} bytes, public`, memoOption);
  return withDelivery(chosen);
}

/** How long a sent transaction is waited for. */
export function withDelivery(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--confirmations <n>',
        `wait until so many blocks are on top of the transaction's own, at most ${MAX_CONFIRMATIONS}`,
      )
        .argParser(confirmationsOption)
        .default(0)
        // --no-wait
        .conflicts('wait'),
    )
    .option('--no-wait', 'do not wait until the transaction is in a block');
}

function confirmationsOption(text: string): number {
  const value = countOption(text);
  if (value <= MAX_CONFIRMATIONS) return value;
  throw new InvalidArgumentError(`expected at most ${MAX_CONFIRMATIONS}, got '${text}'`);
}

/** A number of blocks. */
export function countOption(text: string): number {
  const value = Number(text);
  if (/^\d{1,9}$/.test(text)) return value;
  throw new InvalidArgumentError(`expected a number, got '${text}'`);
}

function nonceOption(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < 2 ** 32) return value;
  throw new InvalidArgumentError(`expected a number, got '${text}'`);
}

function memoOption(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_MEMO_BYTES) return text;
  throw new InvalidArgumentError(`expected at most ${MAX_MEMO_BYTES} bytes, got ${bytes}`);
}

export function publicKeyOption(text: string): string {
  if (!/^B62[1-9A-HJ-NP-Za-km-z]{52}$/.test(text)) {
    throw new InvalidArgumentError(`expected a public key, B62..., got '${text}'`);
  }
  if (isPublicKey(text)) return text;
  throw new InvalidArgumentError(`the checksum of the public key is wrong: '${text}'`);
}
