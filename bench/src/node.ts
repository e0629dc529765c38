/**
 * What a local node carries, measured from outside: it runs in a process of its own and is asked over
 * HTTP. Transactions are made beforehand, only their acceptance is timed; every acceptance is on disk.
 */
import Client from 'mina-signer';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccountUpdate, Field, Mina, PrivateKey } from 'o1js';
import { ATTENSOR } from './attensor.js';
import type { Figure } from './contract.js';
import { TickContract } from './tick.js';

const PAYMENTS = 100;
const TRANSFERS = 40;
const PROOFS = 6;
const READS = 200;
const FEE = 10_000_000;

/** @param onStep told what is being measured, with the fraction done before it */
export async function nodeFigures(
  onStep: (step: string, fraction: number) => void,
): Promise<Figure[]> {
  const data = await mkdtemp(join(tmpdir(), 'attensor-bench-node-'));
  let node = await start(data);
  try {
    const figures: Figure[] = [];
    const add = (figure: string, measured: number, unit: string) =>
      figures.push({ figure, measured, unit });

    onStep('payments', 0);
    const payments = await makePayments(node);
    add('node: payments accepted', await rate(node, payments), '/s');
    onStep('zkApp commands without proofs', 0.15);
    await makeBlock(node);
    const transfers = await makeTransfers(node);
    add('node: zkApp commands accepted', await rate(node, transfers), '/s');
    onStep('zkApp commands with proofs', 0.3);
    await makeBlock(node);
    const ticks = await makeTicks(node, (made) => onStep('proofs', 0.35 + (0.4 * made) / PROOFS));
    const [first, ...rest] = ticks.requests;
    // loads what verification needs
    add('node: first proof accepted', await seconds(() => ask(node, first)), 's');
    add('node: with a proof each, accepted', await rate(node, rest), '/s');
    onStep('a block', 0.8);
    add('node: block of them', await seconds(() => makeBlock(node)), 's');

    onStep('reading', 0.85);
    const account = `{ account(publicKey: "${ticks.address}") { nonce balance { total } zkappState } }`;
    const path = `{ account(publicKey: "${ticks.address}") { leafHash merklePath { left right } } }`;
    const events = `{ events(input: {address: "${ticks.address}"}) { eventData { data } } }`;
    for (const [name, query] of [
      ['account', account],
      ['Merkle path', path],
      ['events', events],
    ]) {
      const { median, high } = await latency(node, query);
      add(`node: read ${name}, median`, median, 'ms');
      add(`node: read ${name}, 99 %`, high, 'ms');
    }

    onStep('starting again', 0.95);
    await stop(node);
    const accepted = payments.length + transfers.length + ticks.requests.length + 1;
    const restart = performance.now();
    node = await start(data);
    add(`node: start with ${accepted} transactions`, (performance.now() - restart) / 1000, 's');
    return figures;
  } finally {
    await stop(node);
    await rm(data, { recursive: true, force: true });
  }
}

interface Running {
  child: ChildProcess;
  origin: string;
}

async function start(data: string): Promise<Running> {
  const args = ['node', '--port', '0', '--data', data, '--block-seconds', '0', '--json'];
  const child = spawn(process.execPath, [ATTENSOR, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    child,
    origin: (JSON.parse(line.toString()) as { accountManager: string }).accountManager,
  };
}

async function stop({ child }: Running): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

interface Request {
  query: string;
  variables?: object;
}

async function ask({ origin }: Running, request: Request): Promise<void> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  const { errors } = (await response.json()) as { errors?: { message: string }[] };
  if (errors !== undefined) throw Error(`bench: the node answered ${errors[0].message}`);
}

const makeBlock = (node: Running) => ask(node, { query: 'mutation { makeBlock { stateHash } }' });

async function acquire({ origin }: Running): Promise<PrivateKey> {
  const response = await fetch(`${origin}/acquire-account`);
  return PrivateKey.fromBase58(((await response.json()) as { sk: string }).sk);
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

/** Requests a second, one after the other: nonces have an order. */
async function rate(node: Running, requests: Request[]): Promise<number> {
  const taken = await seconds(async () => {
    for (const request of requests) await ask(node, request);
  });
  return requests.length / taken;
}

async function latency(node: Running, query: string): Promise<{ median: number; high: number }> {
  const times: number[] = [];
  for (let i = 0; i < READS; i++) times.push(1000 * (await seconds(() => ask(node, { query }))));
  times.sort((a, b) => a - b);
  return { median: times[READS / 2], high: times[Math.floor(READS * 0.99)] };
}

async function makePayments(node: Running): Promise<Request[]> {
  const key = await acquire(node);
  const from = key.toPublicKey().toBase58();
  const to = (await acquire(node)).toPublicKey().toBase58();
  const client = new Client({ network: 'testnet' });
  return Array.from({ length: PAYMENTS }, (_, nonce) => {
    const input = { from, to, amount: '1000', fee: String(FEE), nonce: String(nonce), memo: '' };
    const validUntil = '4294967295';
    const { signature } = client.signPayment({ ...input, validUntil }, key.toBase58());
    return {
      query:
        'mutation ($input: SendPaymentInput!, $signature: SignatureInput) { sendPayment(input: $input, signature: $signature) { payment { hash } } }',
      variables: { input: { ...input, validUntil }, signature },
    };
  });
}

function sending(json: string): Request {
  return {
    query:
      'mutation ($command: ZkappCommandInput!) { sendZkapp(input: {zkappCommand: $command}) { zkapp { hash } } }',
    variables: { command: JSON.parse(json) as object },
  };
}

async function makeTransfers(node: Running): Promise<Request[]> {
  connect(node);
  const [key, receiver] = [await acquire(node), await acquire(node)];
  const sender = key.toPublicKey();
  const requests: Request[] = [];
  for (let nonce = 0; nonce < TRANSFERS; nonce++) {
    const transaction = await Mina.transaction({ sender, fee: FEE, nonce }, async () => {
      AccountUpdate.createSigned(sender).send({ to: receiver.toPublicKey(), amount: 1000 });
    });
    requests.push(sending(transaction.sign([key]).toJSON()));
  }
  return requests;
}

async function makeTicks(node: Running, onProof: (made: number) => void) {
  connect(node);
  const [key, contractKey] = [await acquire(node), PrivateKey.random()];
  const [sender, address] = [key.toPublicKey(), contractKey.toPublicKey()];
  const contract = new TickContract(address);
  await TickContract.compile();
  const deployment = await Mina.transaction({ sender, fee: FEE }, async () => {
    AccountUpdate.fundNewAccount(sender);
    await contract.deploy();
  });
  await ask(node, sending(deployment.sign([key, contractKey]).toJSON()));
  await makeBlock(node);
  const requests: Request[] = [];
  for (let i = 0; i < PROOFS; i++) {
    const transaction = await Mina.transaction({ sender, fee: FEE, nonce: i + 1 }, () =>
      contract.tick(Field(i)),
    );
    await transaction.prove();
    requests.push(sending(transaction.sign([key]).toJSON()));
    onProof(i + 1);
  }
  return { address: address.toBase58(), requests };
}

function connect({ origin }: Running): void {
  const url = `${origin}/graphql`;
  Mina.setActiveInstance(Mina.Network({ mina: url, archive: url }));
}
