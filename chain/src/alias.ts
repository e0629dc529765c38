/**
 * Deploy aliases: zkapp-cli's `config.json` and the key files that `zk config` makes, as they are. Two
 * fields are ours, both optional: `archive`, the URL of an archive node where it is not that of the
 * daemon, and `network`, a name for messages where it can't be told from the rest.
 */
import { stat } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import Client from 'mina-signer';
import { z } from 'zod';
import { AttensorError } from '@attensor/core';
import { checked, readJson } from '@attensor/core/files';

export const NETWORKS = ['devnet', 'mainnet', 'zeko', 'lightnet', 'local'] as const;
export type NetworkName = (typeof NETWORKS)[number];

/** Which signatures a network accepts; same type in o1js and mina-signer. */
export type NetworkId = 'mainnet' | 'testnet' | 'devnet' | { custom: string };

export interface Alias {
  name: string;
  network: NetworkName;
  networkId: NetworkId;
  /** GraphQL of a daemon. */
  url: string;
  /** GraphQL of an archive. */
  archive: string;
  /** Key pair of the contract's account. */
  keyPath: string;
  feePayerKeyPath: string;
  /** nanomina */
  fee: bigint;
}

export interface KeyPair {
  publicKey: string;
  privateKey: string;
}

/** Keys are the same on all networks. */
const client = new Client({ network: 'testnet' });
const MAX_CONFIG_BYTES = 1_000_000;
const DECIMALS = 9;

const aliasSchema = z.looseObject({
  networkId: z.string().min(1).default('testnet'),
  url: z.url({ protocol: /^https?$/ }),
  archive: z.url({ protocol: /^https?$/ }).optional(),
  network: z.enum(NETWORKS).optional(),
  keyPath: z.string().min(1),
  feepayerKeyPath: z.string().min(1),
  fee: z.union([z.string(), z.number()]).transform(String),
});
const configSchema = z.looseObject({ deployAliases: z.record(z.string(), z.unknown()) });
const keySchema = z.looseObject({
  publicKey: z.string().regex(/^B62[1-9A-HJ-NP-Za-km-z]{52}$/),
  privateKey: z.string().regex(/^EK[1-9A-HJ-NP-Za-km-z]{50}$/),
});

/**
 * @param configPath paths in the file are relative to its folder
 * @throws AttensorError
 */
export async function readAlias(configPath: string, name: string): Promise<Alias> {
  const path = resolve(configPath);
  const { deployAliases } = await readJson({
    path,
    schema: configSchema,
    code: 'BAD_FILE',
    hint: 'run `zk config` to make one',
    maxBytes: MAX_CONFIG_BYTES,
  });
  // zkapp-cli keeps names in lower case, and asks for them in any
  const entry = deployAliases[name] ?? deployAliases[name.toLowerCase()];
  if (entry === undefined) {
    const known = Object.keys(deployAliases);
    throw new AttensorError({
      code: 'UNKNOWN_ALIAS',
      what: 'the configuration has no such deployment alias',
      where: path,
      expected: known.length > 0 ? `one of ${known.join(', ')}` : 'at least one alias',
      got: name,
      hint: 'add it with `zk config`, or name another with --alias',
    });
  }
  const alias = checked(entry, {
    where: `${path}, deployAliases.${name}`,
    schema: aliasSchema,
    code: 'BAD_FILE',
    hint: 'correct the entry',
  });
  const inFolder = (file: string) => (isAbsolute(file) ? file : resolve(dirname(path), file));
  return {
    name,
    network: alias.network ?? networkOf(name, alias.networkId, alias.url),
    networkId: ['mainnet', 'testnet', 'devnet'].includes(alias.networkId)
      ? (alias.networkId as NetworkId)
      : { custom: alias.networkId },
    url: alias.url,
    archive: alias.archive ?? alias.url,
    keyPath: inFolder(alias.keyPath),
    feePayerKeyPath: inFolder(alias.feepayerKeyPath),
    fee: nanomina(alias.fee, `${path}, deployAliases.${name}.fee`),
  };
}

/** By what the entry says of itself; nothing but messages depends on it. */
function networkOf(name: string, networkId: string, url: string): NetworkName {
  const named = NETWORKS.find((network) => name.toLowerCase().startsWith(network));
  if (named !== undefined) return named;
  if (networkId === 'mainnet') return 'mainnet';
  const { hostname } = new URL(url);
  if (hostname.includes('zeko')) return 'zeko';
  return ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) ? 'local' : 'devnet';
}

/** What a key is read for. */
export interface KeyUse {
  /** Keys of mainnet must be private; those of test networks should be. */
  networkId: NetworkId;
  warn: (line: string) => void;
}

/** @throws AttensorError NOT_FOUND, BAD_FILE, INSECURE_FILE when others may read a key of mainnet */
export async function readKeyFile(path: string, use: KeyUse): Promise<KeyPair> {
  const where = resolve(path);
  const { publicKey, privateKey } = await readJson({
    path: where,
    schema: keySchema,
    code: 'BAD_FILE',
    hint: 'key files are made by `zk config`: {"privateKey": "EK...", "publicKey": "B62..."}',
    maxBytes: MAX_CONFIG_BYTES,
  });
  await requirePrivate(where, use);
  let derived: string;
  try {
    derived = client.derivePublicKey(privateKey);
  } catch {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the private key in the file has a wrong checksum',
      where,
      hint: 'restore the file',
    });
  }
  if (derived === publicKey) return { publicKey, privateKey };
  throw new AttensorError({
    code: 'BAD_FILE',
    what: 'the two keys in the file do not belong together',
    where,
    expected: `publicKey ${derived}`,
    got: publicKey,
    hint: 'restore the file',
  });
}

const warned = new Set<string>();

/** As ssh does it, but where a key is worth nothing, a warning is enough: zkapp-cli makes such files. */
async function requirePrivate(path: string, { networkId, warn }: KeyUse): Promise<void> {
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  const hint = `chmod 600 ${path}`;
  if (networkId === 'mainnet') {
    throw new AttensorError({
      code: 'INSECURE_FILE',
      what: 'other users of this machine can read the private key',
      where: path,
      expected: 'mode 600',
      got: `mode ${mode.toString(8)}`,
      hint: `\`${hint}\``,
    });
  }
  if (warned.has(path)) return;
  warned.add(path);
  warn(`warning: other users of this machine can read the private key in ${path}; ${hint}`);
}

/** Whether it is a public key, checksum and all. */
export function isPublicKey(text: string): boolean {
  try {
    client.publicKeyToRaw(text);
    return true;
  } catch {
    return false;
  }
}

/** @param text an amount of MINA: '0.1' @throws AttensorError */
export function nanomina(text: string, where: string): bigint {
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text.trim());
  if (match !== null) return BigInt(match[1] + (match[2] ?? '').padEnd(DECIMALS, '0'));
  throw new AttensorError({
    code: 'USAGE',
    what: 'this is not an amount of MINA',
    where,
    expected: 'a number with at most nine decimals, like 0.1',
    got: text,
  });
}

export function inMina(amount: bigint | string): string {
  const digits = BigInt(amount)
    .toString()
    .padStart(DECIMALS + 1, '0');
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
  return `${digits.slice(0, -DECIMALS)}${fraction === '' ? '' : `.${fraction}`}`;
}
