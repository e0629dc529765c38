/**
 * What a transaction does, read off the transaction itself: whoever signs need not believe what the
 * file says of it. Nothing in it is left out, and no text in it can hide another line.
 */
import type { z } from 'zod';
import { AttensorError, printable } from '@attensor/core';
import { checked } from '@attensor/core/files';
import { inMina } from './alias.js';
import {
  type AccountUpdateJson,
  delegationSchema,
  paymentSchema,
  zkappCommandSchema,
} from './command-schema.js';
import type { TransactionFile } from './transaction-file.js';

const MINA_TOKEN = 'wSHV2S4qX9jFsLjQo8r1BsMLH2ZRKsZx6EJd1sbozGPieEC4Jf';
/** What mina-signer puts where no slot is given. */
const NO_SLOT = '4294967295';

/**
 * One line each: network, fee payer, memo; then every account update with all it does, asks and is
 * authorized by, indented below it.
 *
 * @throws AttensorError BAD_FILE when the transaction has a part that is not known here
 */
export function effects(file: TransactionFile): string[] {
  const network = typeof file.networkId === 'string' ? file.networkId : file.networkId.custom;
  const lines = [`signatures are for network ${printable(network)}`];
  if (file.kind !== 'zkapp') return [...lines, ...transferEffects(file)];
  const command = known(file.command, zkappCommandSchema);
  const { publicKey, fee, nonce, validUntil } = command.feePayer.body;
  const updates = command.accountUpdates;
  return [
    ...lines,
    `${publicKey} pays a fee of ${inMina(fee)} MINA, nonce ${nonce}${until(validUntil)}`,
    memoLine(file.memo),
    ...updates.flatMap((update, index) => updateEffects(update, index)),
    ...coverage(publicKey, updates),
    ...totals(publicKey, fee, updates),
  ];
}

type Transfer = z.infer<typeof delegationSchema> & { amount?: string };

function transferEffects(file: Exclude<TransactionFile, { kind: 'zkapp' }>): string[] {
  const command: Transfer =
    file.kind === 'payment'
      ? known(file.command, paymentSchema)
      : known(file.command, delegationSchema);
  const { from, to, fee, nonce, memo, validUntil } = command;
  return [
    `${from} pays a fee of ${inMina(fee)} MINA, nonce ${nonce}${until(validUntil ?? null)}`,
    memoLine(memo ?? ''),
    command.amount !== undefined
      ? `${from} pays ${inMina(command.amount)} MINA to ${to}`
      : `${from} delegates to ${to}`,
  ];
}

function known<T>(value: unknown, schema: z.ZodType<T>): T {
  try {
    return checked(value, {
      schema,
      code: 'BAD_FILE',
      where: 'command',
      hint: 'build the transaction again with this version: nobody can say what it does',
    });
  } catch (error) {
    if (!(error instanceof AttensorError)) throw error;
    // names of unknown fields come from the file
    throw new AttensorError({ ...error.toJSON(), code: 'BAD_FILE', what: printable(error.what) });
  }
}

const until = (slot: string | null) =>
  slot === null || slot === NO_SLOT ? '' : `, valid until slot ${slot}`;
const quoted = (text: string) => `"${printable(text.replaceAll('"', '\\"'))}"`;
const memoLine = (memo: string) => (memo === '' ? 'no memo' : `memo ${quoted(memo)}`);
const amountOf = (magnitude: string, token: string) =>
  token === MINA_TOKEN ? `${inMina(magnitude)} MINA` : `${magnitude} units of token ${token}`;

function updateEffects({ body }: AccountUpdateJson, index: number): string[] {
  const { publicKey, tokenId, balanceChange, callDepth } = body;
  const account = tokenId === MINA_TOKEN ? publicKey : `${publicKey}, token ${tokenId}`;
  const indent = '  '.repeat(callDepth);
  const { magnitude, sgn } = balanceChange;
  const does = [
    magnitude !== '0' && `${sgn === 'Negative' ? 'pays' : 'gets'} ${amountOf(magnitude, tokenId)}`,
    ...changes(body.update),
    body.incrementNonce && 'increments the nonce',
    body.implicitAccountCreationFee && 'pays for creating the account, if it is new',
    ...listed('action', body.actions),
    ...listed('event', body.events),
    body.callData !== '0' && `call data ${body.callData}`,
  ].filter((each) => each !== false);
  const asks = conditions(body.preconditions);
  return [
    `${indent}${index + 1}. ${account}, ${authorization(body)}`,
    ...(does.length > 0 ? does : ['changes nothing']).map((line) => `${indent}   ${line}`),
    ...asks.map((line) => `${indent}   only if ${line}`),
  ];
}

/** By what it is authorized, and what that lets it do. */
function authorization(body: AccountUpdateJson['body']): string {
  const { isSigned, isProved, verificationKeyHash } = body.authorizationKind;
  const { parentsOwnToken, inheritFromParent } = body.mayUseToken;
  const by = isProved
    ? `by a proof of verification key ${verificationKeyHash}`
    : isSigned
      ? 'by signature'
      : 'without authorization';
  const token = parentsOwnToken
    ? ", may use its caller's token"
    : inheritFromParent
      ? ', may use the token that its caller may use'
      : '';
  return `${by}${token}`;
}

function changes({ permissions, timing, ...update }: AccountUpdateJson['body']['update']) {
  const { appState, delegate, verificationKey, zkappUri, tokenSymbol, votingFor } = update;
  return [
    ...appState.flatMap((value, i) => (value === null ? [] : [`sets state ${i} to ${value}`])),
    delegate !== null && `delegates to ${delegate}`,
    verificationKey !== null &&
      `sets the verification key with hash ${verificationKey.hash}, ${verificationKey.data.length} characters`,
    ...(permissions === null ? [] : flat(permissions, 'sets permission ', ': ')),
    zkappUri !== null && `sets the URI to ${quoted(zkappUri)}`,
    tokenSymbol !== null && `sets the token symbol to ${quoted(tokenSymbol)}`,
    timing !== null &&
      `locks its balance: ${inMina(timing.initialMinimumBalance)} MINA until slot ${timing.cliffTime}, then ${inMina(timing.cliffAmount)} MINA less, and ${inMina(timing.vestingIncrement)} MINA less every ${timing.vestingPeriod} slots`,
    votingFor !== null && `votes for ${votingFor}`,
  ];
}

const listed = (what: string, lists: string[][]) =>
  lists.map((fields) => `${what} [${fields.join(', ')}]`);

/** Whatever must hold of account, network and slot. */
function conditions({ account, network, validWhile }: AccountUpdateJson['body']['preconditions']) {
  const { state, ...rest } = account;
  return [
    ...state.flatMap((value, i) => (value === null ? [] : [`state ${i} is ${value}`])),
    ...flat(rest, '', ' is '),
    ...flat(network, 'network.', ' is '),
    ...flat({ slot: validWhile }, '', ' is '),
  ];
}

/** `name.inner is value` for everything that is not null; an interval is one value. */
function flat(value: object, prefix: string, is: string): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (inner === null) return [];
    if (typeof inner !== 'object') return [`${prefix}${name}${is}${String(inner)}`];
    if ('lower' in inner && 'upper' in inner) {
      const { lower, upper } = inner;
      const range = lower === upper ? String(lower) : `from ${String(lower)} to ${String(upper)}`;
      return [`${prefix}${name}${is}${range}`];
    }
    return flat(inner, `${prefix}${name}.`, is);
  });
}

/** What a signature is of: with the full commitment, of fee payer and memo too. */
function coverage(payer: string, updates: AccountUpdateJson[]): string[] {
  const partial = updates.filter(
    ({ body }) => body.authorizationKind.isSigned && !body.useFullCommitment,
  );
  const loose = [...new Set(partial.map(({ body }) => body.publicKey))];
  return loose
    .filter((publicKey) => publicKey !== payer)
    .map(
      (publicKey) =>
        `the signature of ${publicKey} is of the account updates, whoever pays the fee and whatever the memo`,
    );
}

/** Per signer and token: what is paid or got in all, the fee included. */
function totals(payer: string, fee: string, updates: AccountUpdateJson[]): string[] {
  const signed = updates.filter(({ body }) => body.authorizationKind.isSigned);
  const signers = new Set([payer, ...signed.map(({ body }) => body.publicKey)]);
  const sums = new Map<string, bigint>([[`${payer} ${MINA_TOKEN}`, -BigInt(fee)]]);
  for (const { body } of updates) {
    const { publicKey, tokenId, balanceChange } = body;
    if (!signers.has(publicKey)) continue;
    const key = `${publicKey} ${tokenId}`;
    const change = BigInt(balanceChange.magnitude);
    const sum = sums.get(key) ?? 0n;
    sums.set(key, balanceChange.sgn === 'Negative' ? sum - change : sum + change);
  }
  return [...sums].map(([key, sum]) => {
    const [publicKey, token] = key.split(' ');
    const amount = amountOf((sum < 0n ? -sum : sum).toString(), token);
    return `in all, ${publicKey} ${sum > 0n ? 'gets' : 'pays'} ${amount}`;
  });
}
