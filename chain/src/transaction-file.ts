/**
 * A transaction on its way: built on one machine, signed on another, sent by a third. The same file is
 * what a command keeps of a transaction that it has sent and not yet seen in a block.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE, readTextFile, writeAtomic } from '@attensor/core/files';

const FORMAT = 'attensor-transaction';
const VERSION = 1;
const MAX_BYTES = 4_000_000;

const zkappCommandSchema = z.looseObject({
  feePayer: z.looseObject({
    body: z.looseObject({
      publicKey: z.string(),
      fee: z.string(),
      nonce: z.string(),
      validUntil: z.string().nullable(),
    }),
    authorization: z.string(),
  }),
  accountUpdates: z.array(
    z.looseObject({
      body: z.looseObject({
        publicKey: z.string(),
        authorizationKind: z.looseObject({ isSigned: z.boolean() }),
      }),
      authorization: z.looseObject({
        proof: z.string().nullable(),
        signature: z.string().nullable(),
      }),
    }),
  ),
  memo: z.string(),
});
export type ZkappCommandJson = z.infer<typeof zkappCommandSchema>;

const common = {
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** What it does, for whoever signs it. */
  about: z.string(),
  /** Which signatures the network accepts. */
  networkId: z.union([z.enum(['mainnet', 'testnet', 'devnet']), z.object({ custom: z.string() })]),
  /** Public keys that must sign. */
  signers: z.array(z.string()),
  /** Set once it is signed by all. */
  hash: z.string().optional(),
  /** Hashes of those with smaller fees and the same nonce that were sent before. */
  replaces: z.array(z.string()).optional(),
};
const signature = z.object({ field: z.string(), scalar: z.string() }).optional();
const transferSchema = z.object({
  from: z.string(),
  to: z.string(),
  fee: z.string(),
  nonce: z.string(),
  memo: z.string().optional(),
  validUntil: z.string().optional(),
});
const fileSchema = z.discriminatedUnion('kind', [
  z.object({
    ...common,
    kind: z.literal('zkapp'),
    command: zkappCommandSchema,
    /** In plain text: the command has it in base58. */
    memo: z.string(),
  }),
  z.object({
    ...common,
    kind: z.literal('payment'),
    command: transferSchema.extend({ amount: z.string() }),
    signature,
  }),
  z.object({ ...common, kind: z.literal('delegation'), command: transferSchema, signature }),
]);
export type TransactionFile = z.infer<typeof fileSchema>;

/** @throws AttensorError BAD_FILE */
export function parseTransactionFile(text: string, where: string): TransactionFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const result = fileSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new AttensorError({
    code: 'BAD_FILE',
    what: 'this is not a transaction file of this version',
    where: [where, ...issue.path.map(String)].join(', '),
    expected: issue.message,
    hint: 'make one with `attensor tx build`',
  });
}

/** @throws AttensorError NOT_FOUND, BAD_FILE */
export async function readTransactionFile(path: string): Promise<TransactionFile> {
  const where = resolve(path);
  return parseTransactionFile(await readTextFile(where, MAX_BYTES), where);
}

export async function writeTransactionFile(
  path: string,
  file: TransactionFile,
  mode?: number,
): Promise<void> {
  await writeAtomic(path, `${JSON.stringify(file, null, 2)}\n`, mode);
}

/**
 * Signed transactions that are on their way, one for each thing a command was asked to do. It is
 * written before the transaction is sent and removed when it is in a block: a command that was
 * interrupted finds it, and sends that one again and no other.
 */
export class Journal {
  private constructor(readonly path: string) {}

  /** @param task everything that makes two calls of a command the same */
  static async open(cacheDir: string, task: string[]): Promise<Journal> {
    const folder = join(cacheDir, 'transactions');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const id = createHash('sha256').update(JSON.stringify(task)).digest('hex').slice(0, 32);
    return new Journal(join(folder, `${id}.json`));
  }

  /** @returns nothing if there is none, or if it is damaged */
  async read(): Promise<(TransactionFile & { hash: string }) | undefined> {
    const text = await readFile(this.path, 'utf8').catch(() => undefined);
    if (text === undefined) return undefined;
    try {
      const file = parseTransactionFile(text, this.path);
      return file.hash === undefined ? undefined : { ...file, hash: file.hash };
    } catch {
      return undefined;
    }
  }

  async write(file: TransactionFile): Promise<void> {
    await writeTransactionFile(this.path, file, PRIVATE_FILE);
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
