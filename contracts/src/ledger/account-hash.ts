/**
 * Hash of an account, as Mina computes it: the leaf of the ledger's Merkle tree.
 *
 * A random-oracle input is a list of field elements and a list of small integers with their widths;
 * the small ones are packed, in order, into as few elements as they fit. The order of the parts is
 * that of the daemon (account.ml, zkapp_account.ml and permissions.ml of its mina_base).
 */
import { Field, Poseidon, PublicKey, Reducer, TokenId, TransactionVersion, Types } from 'o1js';

export type AccountJson = ReturnType<typeof Types.Account.toJSON>;
type PermissionsJson = AccountJson['permissions'];

/** A sibling, and on which side the way to the leaf goes: as the daemon's `merklePath` names it. */
export type PathElement = { left: bigint } | { right: bigint };

/** A packed element stays below the 255-bit field. */
const PACKED_BITS = 254;
const BYTE = 8;
const PREFIX_BYTES = 20;
const TOKEN_SYMBOL_BYTES = 6;

class Input {
  readonly fields: bigint[] = [];
  readonly packed: { value: bigint; bits: number }[] = [];

  field(value: bigint | string): this {
    const element = BigInt(value);
    if (element < 0n || element >= Field.ORDER)
      throw RangeError(`accountHash: expected a field element, got ${element}`);
    this.fields.push(element);
    return this;
  }
  bits(value: bigint | string | number | boolean, bits: number): this {
    const integer = BigInt(value);
    // a larger one would change its neighbours: two accounts with one hash
    if (integer < 0n || integer >= 1n << BigInt(bits))
      throw RangeError(`accountHash: expected a number below 2^${bits}, got ${integer}`);
    this.packed.push({ value: integer, bits });
    return this;
  }
  /** @param base58 empty or null where there is no key */
  key(base58: string | null): this {
    const key = !base58 ? PublicKey.empty() : PublicKey.fromBase58(base58);
    return this.field(key.x.toBigInt()).bits(key.isOdd.toBoolean(), 1);
  }

  toFields(): Field[] {
    const elements = [...this.fields];
    let [element, used] = [0n, 0];
    for (const { value, bits } of this.packed) {
      if (used + bits > PACKED_BITS) {
        elements.push(element);
        [element, used] = [0n, 0];
      }
      element = (element << BigInt(bits)) + value;
      used += bits;
    }
    if (used > 0) elements.push(element);
    return elements.map((each) => Field(each));
  }
}

function hash(prefix: string, input: Input): bigint {
  return hashFields(prefix, input.toFields());
}

const salts = new Map<string, [Field, Field, Field]>();

/** @param prefix without the stars that the protocol fills it up with */
function hashFields(prefix: string, fields: Field[]): bigint {
  let salt = salts.get(prefix);
  if (salt === undefined) {
    const bytes = utf8(prefix.padEnd(PREFIX_BYTES, '*'));
    salt = Poseidon.update(Poseidon.initialState(), [Field(littleEndian(bytes))]);
    salts.set(prefix, salt);
  }
  return Poseidon.update(salt, fields)[0].toBigInt();
}

/**
 * @param account as `Ledger.getAccount` gives it
 * @throws RangeError for numbers wider than their place, and lists of another length
 */
export function accountHash(account: AccountJson): bigint {
  const { timing } = account;
  const input = new Input().field(zkappHash(account.zkapp));
  appendPermissions(input, account.permissions);
  input
    .bits(timing.isTimed, 1)
    .bits(timing.initialMinimumBalance, 64)
    .bits(timing.cliffTime, 32)
    .bits(timing.cliffAmount, 64)
    .bits(timing.vestingPeriod, 32)
    .bits(timing.vestingIncrement, 64)
    .field(account.votingFor)
    .key(account.delegate)
    .field(account.receiptChainHash)
    .bits(account.nonce, 32)
    .bits(account.balance, 64);
  // least significant byte first
  const symbol = utf8(account.tokenSymbol).slice(0, TOKEN_SYMBOL_BYTES);
  input.bits(littleEndian(symbol), TOKEN_SYMBOL_BYTES * BYTE);
  input.field(TokenId.fromBase58(account.tokenId).toBigInt()).key(account.publicKey);
  return hash('MinaAccount', input);
}

/** Constant, signature necessary, signature sufficient: three bits of each permission. */
const AUTHORIZATIONS: Record<string, number> = {
  None: 0b101,
  Either: 0b001,
  Proof: 0b000,
  Signature: 0b011,
  Impossible: 0b110,
};

function appendPermissions(input: Input, permissions: PermissionsJson): void {
  const { setVerificationKey } = permissions;
  const append = (...authorizations: string[]) => {
    for (const each of authorizations) {
      for (const bit of [4, 2, 1]) input.bits((AUTHORIZATIONS[each] & bit) !== 0, 1);
    }
  };
  append(permissions.editState, permissions.access, permissions.send, permissions.receive);
  append(permissions.setDelegate, permissions.setPermissions, setVerificationKey.auth);
  input.bits(setVerificationKey.txnVersion, 32);
  append(permissions.setZkappUri, permissions.editActionState, permissions.setTokenSymbol);
  append(permissions.incrementNonce, permissions.setVotingFor, permissions.setTiming);
}

let emptyZkappHash: bigint | undefined;

function zkappHash(zkapp: AccountJson['zkapp']): bigint {
  if (zkapp !== null) return hash('MinaZkappAccount', zkappInput(zkapp));
  return (emptyZkappHash ??= hash('MinaZkappAccount', zkappInput(emptyZkapp())));
}

function zkappInput(zkapp: NonNullable<AccountJson['zkapp']>): Input {
  const { appState, actionState } = emptyZkapp();
  requireLength('appState', zkapp.appState, appState.length);
  requireLength('actionState', zkapp.actionState, actionState.length);
  const input = new Input()
    .field(uriHash(zkapp.zkappUri))
    .bits(zkapp.provedState, 1)
    .bits(zkapp.lastActionSlot, 32);
  zkapp.actionState.forEach((each) => input.field(each));
  input.bits(zkapp.zkappVersion, 32).field(zkapp.verificationKey?.hash ?? dummyKeyHash());
  zkapp.appState.forEach((each) => input.field(each));
  return input;
}

/** With other lengths a field would stand in another one's place. */
function requireLength(name: string, list: readonly unknown[], length: number): void {
  if (list.length !== length)
    throw RangeError(`accountHash: ${name}: expected ${length} fields, got ${list.length}`);
}

/** Stands for the key of an account without one. */
function dummyKeyHash(): bigint {
  return Types.VerificationKeyHash.empty().toBigInt();
}

/** What an account without a zkApp is hashed with. */
function emptyZkapp(): NonNullable<AccountJson['zkapp']> {
  const noActions = Reducer.initialActionState.toString();
  return {
    appState: Types.AccountUpdate.empty().body.update.appState.map(() => '0'),
    verificationKey: null,
    zkappVersion: '0',
    actionState: Array<string>(5).fill(noActions),
    lastActionSlot: '0',
    provedState: false,
    zkappUri: '',
  };
}

/** The URI's bits, least significant first in each byte, and a one that marks the end. */
function uriHash(uri: string): bigint {
  const input = new Input();
  for (const byte of utf8(uri)) {
    for (let i = 0; i < BYTE; i++) input.bits((byte >> i) & 1, 1);
  }
  return hash('MinaZkappUri', input.bits(1, 1));
}

const encoder = new TextEncoder();

function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) + BigInt(byte), 0n);
}

/** A node of the tree from its children. @param height 0 for the parents of leaves */
export function merge(height: number, left: bigint, right: bigint): bigint {
  const prefix = `MinaMklTree${String(height).padStart(3, '0')}`;
  return hashFields(prefix, [Field(left), Field(right)]);
}

/** The root that a leaf and its path lead to. */
export function rootOf(leaf: bigint, path: PathElement[]): bigint {
  return path.reduce(
    (hash, element, height) =>
      'left' in element ? merge(height, hash, element.left) : merge(height, element.right, hash),
    leaf,
  );
}

let emptyHash: bigint | undefined;

/** Leaf of a place where there is no account: the hash of `Account.empty`. */
export function emptyAccountHash(): bigint {
  return (emptyHash ??= accountHash(emptyAccount()));
}

function emptyAccount(): AccountJson {
  const signature = 'Signature' as const;
  return {
    publicKey: '',
    tokenId: TokenId.toBase58(TokenId.default),
    tokenSymbol: '',
    balance: '0',
    nonce: '0',
    receiptChainHash: EMPTY_RECEIPT_CHAIN,
    delegate: null,
    votingFor: '0',
    timing: {
      isTimed: false,
      initialMinimumBalance: '0',
      cliffTime: '0',
      cliffAmount: '0',
      vestingPeriod: '1',
      vestingIncrement: '0',
    },
    permissions: {
      editState: signature,
      access: 'None',
      send: signature,
      receive: 'None',
      setDelegate: signature,
      setPermissions: signature,
      setVerificationKey: {
        auth: signature,
        txnVersion: TransactionVersion.current().toString(),
      },
      setZkappUri: signature,
      editActionState: signature,
      setTokenSymbol: signature,
      incrementNonce: signature,
      setVotingFor: signature,
      setTiming: signature,
    },
    zkapp: null,
  };
}

/** `Receipt.Chain_hash.empty`. */
const EMPTY_RECEIPT_CHAIN =
  '4836908137238259756355130884394587673375183996506461139740622663058947052555';
