/** Mina's wallet interface, `window.mina`, as Auro and others offer it. */
import { AttensorError } from '@attensor/core';

export interface MinaProvider {
  requestAccounts(): Promise<string[] | ProviderError>;
  requestNetwork(): Promise<{ networkID: string } | ProviderError>;
  sendTransaction(args: {
    transaction: string;
    feePayer: { fee?: number; memo?: string };
  }): Promise<{ hash: string } | ProviderError>;
}

interface ProviderError {
  code: number;
  message: string;
}

/** The wallet's codes in words; documented with its provider interface. */
const WORDS: Record<number, [what: string, hint: string]> = {
  1001: ['the wallet is not connected to this page', 'Connect it, then try again'],
  1002: ['you declined in the wallet', 'Nothing was sent; try again if that was not meant'],
  20001: ['the wallet has no account', 'Create or restore one in the wallet first'],
  20002: ['the wallet could not verify the request', 'Try again'],
  20003: ['the wallet does not accept the transaction', 'Update the wallet, then try again'],
  20004: ['the wallet does not support this network', 'Choose the network in the wallet'],
  20005: ['the wallet is busy with another request', 'Answer it in the wallet, then try again'],
  20006: ['the wallet cannot do this', 'Update the wallet, then try again'],
  21001: ['the wallet failed', 'Try again; see the wallet for details'],
  22001: ['the wallet gave no reason', 'Try again; see the wallet for details'],
  23001: ['the wallet is connected to another page', 'Disconnect it there, then try again'],
};

export function walletProvider(): MinaProvider | undefined {
  return (window as { mina?: MinaProvider }).mina;
}

/** @throws NO_WALLET */
export function requireProvider(): MinaProvider {
  const provider = walletProvider();
  if (provider !== undefined) return provider;
  throw new AttensorError({
    code: 'NO_WALLET',
    what: 'there is no Mina wallet in this browser',
    expected: 'window.mina',
    hint: 'Install one, Auro for example, and load the page again; or use attensor submit',
  });
}

/** Wallets throw their errors, or return them. @throws WALLET */
async function answered<T extends object>(request: Promise<T | ProviderError>): Promise<T> {
  let answer: T | ProviderError;
  try {
    answer = await request;
  } catch (cause) {
    throw walletError(cause as ProviderError, cause);
  }
  if ('code' in answer && typeof answer.code === 'number') throw walletError(answer);
  return answer as T;
}

function walletError({ code, message }: Partial<ProviderError>, cause?: unknown): AttensorError {
  const [what, hint] = WORDS[code ?? 0] ?? ['the wallet failed', 'Look at the wallet'];
  return new AttensorError({ code: 'WALLET', what, got: `${code}: ${message}`, hint, cause });
}

/** The account that pays. @throws WALLET */
export async function connect(provider: MinaProvider): Promise<string> {
  const [account] = await answered(provider.requestAccounts());
  if (account !== undefined) return account;
  throw walletError({ code: 20001, message: 'no account' });
}

/** @param expected the network's name for wallets, where the site knows it. @throws WALLET */
export async function requireNetwork(
  provider: MinaProvider,
  expected: string | undefined,
): Promise<void> {
  const { networkID } = await answered(provider.requestNetwork());
  if (expected === undefined || networkID === expected) return;
  throw new AttensorError({
    code: 'WALLET',
    what: 'the wallet is on another network than the contract',
    expected,
    got: networkID,
    hint: 'Choose the network in the wallet, then try again',
  });
}

/** @returns the transaction's hash. @throws WALLET */
export async function send(
  provider: MinaProvider,
  transaction: string,
  feePayer: { fee?: number; memo?: string },
): Promise<string> {
  return (await answered(provider.sendTransaction({ transaction, feePayer }))).hash;
}
