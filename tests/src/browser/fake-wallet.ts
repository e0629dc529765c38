/** A wallet as a page sees it: records what it is asked, refuses when told to, signs and sends for real. */
import Client from 'mina-signer';
import type { Page } from 'playwright-core';
import type { LocalNetwork } from '../local-network.js';

interface Call {
  method: string;
  args?: unknown;
}

interface SendArguments {
  transaction: string;
  feePayer: { fee: number; memo: string };
}

export class FakeWallet {
  readonly calls: Call[] = [];
  network = 'mina:testnet';
  /** The next call of this method fails as wallets fail. */
  refuse: { method: string; code: number; message: string } | undefined;

  private constructor(
    private readonly keys: { publicKey: string; privateKey: string },
    private readonly chain: LocalNetwork,
  ) {}

  /** Before the page is opened. */
  static async install(
    page: Page,
    keys: { publicKey: string; privateKey: string },
    chain: LocalNetwork,
  ): Promise<FakeWallet> {
    const wallet = new FakeWallet(keys, chain);
    await page.exposeFunction('fakeWallet', (method: string, args?: unknown) =>
      wallet.answer(method, args),
    );
    await page.addInitScript(() => {
      type Answer = { value?: unknown; error?: { code: number; message: string } };
      const global = window as unknown as {
        fakeWallet(method: string, args?: unknown): Promise<Answer>;
        mina: object;
      };
      const call = (method: string) => async (args?: unknown) => {
        const { value, error } = await global.fakeWallet(method, args);
        if (error) throw Object.assign(new Error(error.message), error);
        return value;
      };
      global.mina = {
        requestAccounts: call('requestAccounts'),
        requestNetwork: call('requestNetwork'),
        sendTransaction: call('sendTransaction'),
      };
    });
    return wallet;
  }

  private async answer(method: string, args?: unknown) {
    this.calls.push({ method, args });
    if (this.refuse?.method === method) {
      const { code, message } = this.refuse;
      return { error: { code, message } };
    }
    switch (method) {
      case 'requestAccounts':
        return { value: [this.keys.publicKey] };
      case 'requestNetwork':
        return { value: { networkID: this.network } };
      case 'sendTransaction':
        return { value: { hash: await this.send(args as SendArguments) } };
      default:
        return { error: { code: 20006, message: 'not supported' } };
    }
  }

  /** As a wallet does: puts in the fee, the nonce and the memo, signs for the payer, sends. */
  private async send({ transaction, feePayer: { fee, memo } }: SendArguments): Promise<string> {
    const { publicKey, privateKey } = this.keys;
    const { data } = await this.ask(`{ account(publicKey: "${publicKey}") { nonce } }`);
    const { account } = data as { account: { nonce: string } };
    const zkappCommand = JSON.parse(transaction) as never;
    const feePayer = {
      feePayer: publicKey,
      fee: String(Math.round(fee * 1e9)),
      nonce: account.nonce,
      memo,
    };
    const signed = new Client({ network: 'testnet' }).signZkappCommand(
      { zkappCommand, feePayer },
      privateKey,
    );
    const sent = await this.ask(
      'mutation ($input: SendZkappInput!) { sendZkapp(input: $input) { zkapp { hash } } }',
      { input: { zkappCommand: signed.data.zkappCommand } },
    );
    return (sent.data as { sendZkapp: { zkapp: { hash: string } } }).sendZkapp.zkapp.hash;
  }

  private async ask(query: string, variables = {}): Promise<{ data?: unknown }> {
    const response = await fetch(this.chain.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await response.json()) as { data?: unknown; errors?: unknown };
    if (answer.errors) throw Error(`FakeWallet: ${JSON.stringify(answer.errors)}`);
    return answer;
  }
}
