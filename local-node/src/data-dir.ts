/** The folder a node lives in: `genesis.json`, `transactions.log`, and a lock while it runs. */
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PrivateKey } from 'o1js';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE, writeAtomic } from '@attensor/core/files';

const VERSION = 1;
const NANOMINA = 1_000_000_000n;

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
      publicKey: z.string(),
      privateKey: z.string(),
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
  const release = await lock(join(dir, 'lock'));
  try {
    const path = join(dir, 'genesis.json');
    const genesis = (await readGenesis(path)) ?? (await writeGenesis(path, options));
    return { genesis, logPath: join(dir, 'transactions.log'), release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function readGenesis(path: string): Promise<Genesis | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return genesisSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new AttensorError({
      code: 'BAD_DATA_DIR',
      what: 'this version did not write the genesis file',
      where: path,
      expected: `format attensor-node, version ${VERSION}`,
      got: error instanceof Error ? error.message.replace(/\s+/g, ' ') : String(error),
      hint: 'use another --data folder',
    });
  }
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

/** @returns what removes the lock */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (Number.isSafeInteger(owner) && owner > 0 && owner !== process.pid && isRunning(owner)) {
      throw new AttensorError({
        code: 'DATA_DIR_IN_USE',
        what: 'another node uses this folder',
        where: path,
        got: `process ${owner}`,
        hint: 'stop it, or give another --data folder',
      });
    }
    // left behind by a node that was killed
    await rm(path, { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
