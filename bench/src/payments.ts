/** Payments between test accounts, and blocks: the work that a killed node must not forget. */
import Client from 'mina-signer';
import type { Answer, FaultyNode, Workload } from './faults.js';

const FEE = '10000000';
const AMOUNT = 1000n;
const PAYMENTS_PER_BLOCK = 5;
const SEND =
  'mutation ($input: SendPaymentInput!, $signature: SignatureInput) { sendPayment(input: $input, signature: $signature) { payment { hash } } }';

interface KeyPair {
  publicKey: string;
  privateKey: string;
}

export class Payments implements Workload {
  readonly name = 'payments';
  private readonly client = new Client({ network: 'testnet' });
  private from!: KeyPair;
  private to!: KeyPair;
  private before = 0n;
  /** By nonce. */
  private readonly payments: string[] = [];
  /** State hashes, from height 2. */
  private readonly blocks: string[] = [];
  private sinceBlock = 0;

  get acknowledged(): number {
    return this.payments.length + this.blocks.length;
  }

  async prepare(node: FaultyNode): Promise<void> {
    [this.from, this.to] = [await acquire(node), await acquire(node)];
    this.before = await this.received(node);
  }

  async step(node: FaultyNode): Promise<void> {
    if (this.sinceBlock >= PAYMENTS_PER_BLOCK) {
      const { makeBlock } = dataOf(await node.ask('mutation { makeBlock { stateHash } }')) as {
        makeBlock: { stateHash: string };
      };
      this.blocks.push(makeBlock.stateHash);
      this.sinceBlock = 0;
      return;
    }
    const nonce = String(this.payments.length);
    const { publicKey, privateKey } = this.from;
    const command = { from: publicKey, to: this.to.publicKey, amount: String(AMOUNT), fee: FEE };
    const input = { ...command, nonce, memo: '', validUntil: '4294967295' };
    const { data, signature } = this.client.signPayment(input, privateKey);
    const answer = await node.ask(SEND, { input, signature });
    // a payment whose acknowledgement was lost may be there
    if (answer.errors?.[0].extensions?.code !== 'DUPLICATE') dataOf(answer);
    const options = { berkeley: true };
    this.payments.push(this.client.hashPayment({ data, signature, publicKey }, options));
    this.sinceBlock++;
  }

  async check(node: FaultyNode): Promise<void> {
    const { publicKey } = this.from;
    const { account, bestChain } = dataOf(
      await node.ask(
        `{ account(publicKey: "${publicKey}") { inferredNonce } bestChain { stateHash } }`,
      ),
    ) as { account: { inferredNonce: string }; bestChain: { stateHash: string }[] };
    const sent = this.payments.length;
    const kept = Number(account.inferredNonce);
    // one that was not acknowledged may be there too
    if (kept < sent || kept > sent + 1) {
      throw Error(`faults: ${sent} payments were acknowledged, and the node has ${kept}`);
    }
    const chain = new Set(bestChain.map(({ stateHash }) => stateHash));
    // a node tells its last 290
    const lost = this.blocks.slice(-100).find((stateHash) => !chain.has(stateHash));
    if (lost !== undefined) throw Error(`faults: block ${lost} was acknowledged, and is gone`);
    const last = this.payments.at(-1);
    if (last === undefined) return;
    const status = dataOf(await node.ask(`{ transactionStatus(payment: "${last}") }`));
    if (status.transactionStatus === 'UNKNOWN') {
      throw Error(`faults: payment ${last} was acknowledged, and is gone`);
    }
    // once each, no more and no less
    dataOf(await node.ask('mutation { makeBlock { stateHash } }'));
    const received = (await this.received(node)) - this.before;
    if (received !== AMOUNT * BigInt(kept)) {
      throw Error(`faults: ${kept} payments of ${AMOUNT} nanomina came to ${received}`);
    }
  }

  private async received(node: FaultyNode): Promise<bigint> {
    const query = `{ account(publicKey: "${this.to.publicKey}") { balance { total } } }`;
    const { account } = dataOf(await node.ask(query)) as {
      account: { balance: { total: string } };
    };
    return BigInt(account.balance.total);
  }
}

function dataOf({ data, errors }: Answer): Record<string, unknown> {
  if (errors !== undefined) throw Error(`faults: the node answered ${errors[0].message}`);
  return data ?? {};
}

async function acquire({ origin }: FaultyNode): Promise<KeyPair> {
  const response = await fetch(`${origin}/acquire-account`);
  const { pk, sk } = (await response.json()) as { pk: string; sk: string };
  return { publicKey: pk, privateKey: sk };
}
