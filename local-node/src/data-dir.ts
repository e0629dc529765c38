/** The folder a node lives in: `genesis.json`, `transactions.log`, and a file that is locked while it runs. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { PrivateKey, PublicKey } from 'o1js';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE, writeAtomic } from '@attensor/core/files';
import { lock } from '@attensor/core/lock';

const VERSION = 1;
const NANOMINA = 1_000_000_000n;

/** Of base58 with a checksum. */
const parses = (type: { fromBase58(text: string): unknown }) => (text: string) => {
  try {
    type.fromBase58(text);
    return true;
  } catch {
    return false;
  }
};

const genesisSchema = z.object({
  format: z.literal('attensor-node'),
  version: z.literal(VERSION),
  /** When slot 0 began, milliseconds. */
  timestamp: z.number().int().nonnegative(),
  slotMilliseconds: z.number().int().positive(),
  /** Nanomina that a new account costs. */
  accountCreationFee: z.string().regex(/^\d+$/),
  accounts: z.array(
    z.object({
      publicKey: z.string().refine(parses(PublicKey), 'is not a public key'),
      privateKey: z.string().refine(parses(PrivateKey), 'is not a private key'),
      /** nanomina */
      balance: z.string().regex(/^\d+$/),
    }),
  ),
});
export type Genesis = z.infer<typeof genesisSchema>;
export type GenesisAccount = Genesis['accounts'][number];

export interface DataDir {
  genesis: Genesis;
  logPath: string;
  /** Lets another node use the folder. */
  release(): Promise<void>;
}

interface GenesisOptions {
  /** How many funded test accounts a new chain has. */
  accounts: number;
  /** MINA on each. */
  balance: number;
  slotMilliseconds: number;
}

/**
 * Opens the folder, or makes it with a fresh genesis.
 *
 * @throws AttensorError when it is in use or its genesis can't be read
 */
export async function openDataDir(dir: string, options: GenesisOptions): Promise<DataDir> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const release = await lock(join(dir, 'lock'), 'node');
  try {
    const path = join(dir, 'genesis.json');
    const logPath = join(dir, 'transactions.log');
    let genesis = await readGenesis(path);
    if (genesis === undefined) {
      await requireEmptyLog(logPath, path);
      genesis = await writeGenesis(path, options);
    }
    return { genesis, logPath, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** @returns nothing if there is none */
async function readGenesis(path: string): Promise<Genesis | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AttensorError({
      code: 'BAD_DATA_DIR',
      what: 'the genesis file cannot be read',
      where: path,
      got: (error as NodeJS.ErrnoException).code,
      hint: 'make it readable, or use another --data folder',
    });
  }
  try {
    return genesisSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new AttensorError({
      code: 'BAD_DATA_DIR',
      what: 'the genesis file is damaged, or another version wrote it',
      where: path,
      expected: `format attensor-node, version ${VERSION}`,
      // a parser's message may quote the file, which holds private keys
      got: error instanceof z.ZodError ? issueOf(error) : 'a text that is not JSON',
      hint: 'restore it from a backup, or use another --data folder',
    });
  }
}

function issueOf({ issues: [{ path, message }] }: z.ZodError): string {
  return `field '${path.map(String).join('.') || '(root)'}': ${message}`;
}

/** A log belongs to its genesis. @throws AttensorError BAD_DATA_DIR */
async function requireEmptyLog(logPath: string, genesisPath: string): Promise<void> {
  const size = await stat(logPath).then(
    (info) => info.size,
    () => 0,
  );
  if (size === 0) return;
  throw new AttensorError({
    code: 'BAD_DATA_DIR',
    what: 'there is a transaction log, but the genesis file that it belongs to is missing',
    where: genesisPath,
    got: `${size} bytes in ${logPath}`,
    hint: 'restore the file from a backup, or use another --data folder',
  });
}

async function writeGenesis(path: string, options: GenesisOptions): Promise<Genesis> {
  const genesis: Genesis = {
    format: 'attensor-node',
    version: VERSION,
    timestamp: Date.now(),
    slotMilliseconds: options.slotMilliseconds,
    accountCreationFee: NANOMINA.toString(),
    accounts: Array.from({ length: options.accounts }, () => {
      const key = PrivateKey.random();
      return {
        publicKey: key.toPublicKey().toBase58(),
        privateKey: key.toBase58(),
        balance: (BigInt(options.balance) * NANOMINA).toString(),
      };
    }),
  };
  await writeAtomic(path, `${JSON.stringify(genesis, null, 2)}\n`, PRIVATE_FILE);
  return genesis;
}
