/** Signing with mina-signer: needs neither a network nor the proof system. */
import Client from 'mina-signer';
import { AttensorError } from '@attensor/core';
import type { KeyPair } from './alias.js';
import type { TransactionFile, ZkappCommandJson } from './transaction-file.js';

type ZkappFile = Extract<TransactionFile, { kind: 'zkapp' }>;
type SignerArgument = Parameters<Client['signZkappCommand']>[0];

/**
 * Adds the signatures of these keys, where they are asked for.
 *
 * @throws AttensorError BAD_FILE when mina-signer can't read the transaction, or its fee is too small
 */
export function sign(file: TransactionFile, keys: KeyPair[]): TransactionFile {
  try {
    return file.kind === 'zkapp' ? signZkapp(file, keys) : signTransfer(file, keys);
  } catch (error) {
    throw new AttensorError({
      code: 'BAD_FILE',
      what: 'the transaction cannot be signed',
      where: file.about,
      got: error instanceof Error ? error.message : String(error),
      hint: 'build it again, with a larger --fee if the fee is too small',
    });
  }
}

function signZkapp(file: ZkappFile, keys: KeyPair[]): ZkappFile {
  const client = new Client({ network: file.networkId });
  let { command } = file;
  for (const { privateKey } of keys) {
    const { authorization } = command.feePayer;
    const signed = client.signZkappCommand(signerArgument({ ...file, command }), privateKey);
    command = signed.data.zkappCommand;
    // the signature of another key, which this one is not to undo
    if (command.feePayer.authorization === '') command.feePayer.authorization = authorization;
  }
  return { ...file, command };
}

function signTransfer(file: Exclude<TransactionFile, ZkappFile>, keys: KeyPair[]): TransactionFile {
  const key = keys.find(({ publicKey }) => publicKey === file.command.from);
  if (key === undefined) return file;
  const client = new Client({ network: file.networkId });
  const { signature } =
    file.kind === 'payment'
      ? client.signPayment(file.command, key.privateKey)
      : client.signStakeDelegation(file.command, key.privateKey);
  return { ...file, signature };
}

/** Public keys that have still to sign, or whose signature is not of this very transaction. */
export function missingSignatures(file: TransactionFile): string[] {
  const client = new Client({ network: file.networkId });
  if (file.kind !== 'zkapp') {
    const { signature } = file;
    const publicKey = file.command.from;
    const valid =
      signature !== undefined &&
      (file.kind === 'payment'
        ? client.verifyPayment({ data: file.command, signature, publicKey })
        : client.verifyStakeDelegation({ data: file.command, signature, publicKey }));
    return valid ? [] : [publicKey];
  }
  const { feePayer, accountUpdates } = file.command;
  const payer = feePayer.body.publicKey;
  // mina-signer verifies what the fee payer signed; other signatures are left to the network
  const paid = feePayer.authorization !== '' && verifies(client, file, payer);
  const missing = accountUpdates
    .filter(
      ({ body, authorization }) =>
        body.authorizationKind.isSigned && authorization.signature === null,
    )
    .map(({ body }) => body.publicKey);
  return [...new Set(paid ? missing : [payer, ...missing])];
}

function verifies(client: Client, file: ZkappFile, publicKey: string): boolean {
  const { zkappCommand, feePayer } = signerArgument(file);
  const data = { zkappCommand, feePayer } as Parameters<Client['verifyZkappCommand']>[0]['data'];
  const signature = file.command.feePayer.authorization;
  try {
    return client.verifyZkappCommand({ data, publicKey, signature });
  } catch {
    return false;
  }
}

/** @throws AttensorError NOT_SIGNED */
export function requireSigned(file: TransactionFile, where: string): void {
  const missing = missingSignatures(file);
  if (missing.length === 0) return;
  throw new AttensorError({
    code: 'NOT_SIGNED',
    what: 'signatures are missing, or the transaction was changed after it was signed',
    where,
    expected: `signatures of ${missing.join(', ')}`,
    hint: '`attensor tx sign` with their key files',
  });
}

function signerArgument({ command, memo }: ZkappFile): SignerArgument {
  const { publicKey, fee, nonce, validUntil } = command.feePayer.body;
  const feePayer = { feePayer: publicKey, fee, nonce, memo, validUntil };
  return { zkappCommand: command, feePayer } as unknown as SignerArgument;
}

/** The same without signatures. */
export function unsigned(command: ZkappCommandJson): ZkappCommandJson {
  return {
    ...command,
    feePayer: { ...command.feePayer, authorization: '' },
    accountUpdates: command.accountUpdates.map((update) => ({
      ...update,
      authorization: update.body.authorizationKind.isSigned
        ? { proof: null, signature: null }
        : update.authorization,
    })),
  };
}
