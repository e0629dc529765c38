/**
 * An account's permissions, as a daemon's GraphQL tells them.
 *
 * o1js 2.15 loses the verification key's permission of accounts that it fetches: who judges an account's permissions asks the node.
 */
import { Permissions, UInt32 } from 'o1js';
import type { AccountJson } from './account-hash.js';

export type PermissionsJson = AccountJson['permissions'];
type Authorization = PermissionsJson['editState'];

/** What a query asks of an account. */
export const PERMISSIONS_SELECTION = `permissions {
  editState access send receive setDelegate setPermissions
  setVerificationKey { auth txnVersion }
  setZkappUri editActionState setTokenSymbol incrementNonce setVotingFor setTiming
}`;

/** Those that are one word; the verification key's has a network version too. */
const ONE_WORD = [
  'editState',
  'access',
  'send',
  'receive',
  'setDelegate',
  'setPermissions',
  'setZkappUri',
  'editActionState',
  'setTokenSymbol',
  'incrementNonce',
  'setVotingFor',
  'setTiming',
] as const;

const WORDS: readonly string[] = ['None', 'Either', 'Proof', 'Signature', 'Impossible'];
const MAX_VERSION = 2 ** 32 - 1;

/**
 * @param json a node's answer to `PERMISSIONS_SELECTION`
 * @throws RangeError unless all are there and known: nothing is taken for granted
 */
export function parsePermissions(json: unknown): PermissionsJson {
  const permissions = object('permissions', json);
  const { auth, txnVersion } = object('setVerificationKey', permissions.setVerificationKey);
  const words = ONE_WORD.map((name) => [name, authorization(name, permissions[name])] as const);
  return {
    ...(Object.fromEntries(words) as Record<(typeof ONE_WORD)[number], Authorization>),
    setVerificationKey: {
      auth: authorization('setVerificationKey.auth', auth),
      txnVersion: version(txnVersion),
    },
  };
}

function object(name: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw mismatch(name, 'an object', value);
}

/** In any case of letters. */
function authorization(name: string, value: unknown): Authorization {
  const word =
    typeof value === 'string' ? value.slice(0, 1).toUpperCase() + value.slice(1).toLowerCase() : '';
  if (!WORDS.includes(word)) throw mismatch(name, `one of ${WORDS.join(', ')}`, value);
  return word as Authorization;
}

function version(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text === 'string' && /^\d{1,10}$/.test(text) && Number(text) <= MAX_VERSION)
    return String(Number(text));
  throw mismatch('setVerificationKey.txnVersion', 'a number of 32 bits', value);
}

function mismatch(name: string, expected: string, got: unknown): RangeError {
  const shown = JSON.stringify(got)?.slice(0, 100) ?? 'nothing';
  return RangeError(`${name}: expected ${expected}, got ${shown}`);
}

const PERMISSIONS: Record<Authorization, () => Permissions['editState']> = {
  None: () => Permissions.none(),
  Either: () => Permissions.proofOrSignature(),
  Proof: () => Permissions.proof(),
  Signature: () => Permissions.signature(),
  Impossible: () => Permissions.impossible(),
};

/** As `Permissions.fromJSON`, which leaves out the network version. */
export function permissionsFromJson(json: PermissionsJson): Permissions {
  const words = ONE_WORD.map((name) => [name, PERMISSIONS[json[name]]()] as const);
  const { auth, txnVersion } = json.setVerificationKey;
  return {
    ...(Object.fromEntries(words) as Record<(typeof ONE_WORD)[number], Permissions['editState']>),
    setVerificationKey: { auth: PERMISSIONS[auth](), txnVersion: UInt32.from(txnVersion) },
  };
}
