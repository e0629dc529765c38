/**
 * Aliases, transactions and their delivery, against a node in a process of its own. What needs proofs
 * of the contract is in tests/src/deployment.proof.test.ts.
 */
import '@attensor/contracts/testing/native-backend';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hashZkappCommand } from '@attensor/core/o1js';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AccountUpdate, Mina, PrivateKey, PublicKey } from 'o1js';
import {
  deliver,
  effects,
  Journal,
  missingSignatures,
  Network,
  readAlias,
  readKeyFile,
  readTransactionFile,
  sign,
  type TransactionFile,
  unsigned,
  writeTransactionFile,
  type ZkappCommandJson,
} from '@attensor/chain';
import { Output } from './output.js';
import { attensor } from './testing/streams.js';

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
const ZK = fileURLToPath(new URL('../../node_modules/.bin/zk', import.meta.url));
const RECEIVER = PrivateKey.random().toPublicKey().toBase58();

let folder: string;
let node: ChildProcess;
let origin: string;
/** Runs a program as if the node were on the ports that zkapp-cli knows lightnet by. */
let environment: NodeJS.ProcessEnv;
/** Folder of a project that the real `zk config --lightnet` has configured. */
let project: string;
let lastAcquired: { publicKey: string; privateKey: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-chain-'));
  [node, origin] = await startNode(join(folder, 'node'), '0.5');
  const redirect = join(folder, 'redirect.mjs');
  await writeFile(
    redirect,
    `const real = globalThis.fetch;
     const here = (url) => String(url).replace(/^http:\\/\\/127\\.0\\.0\\.1:(8080|8181)/, '${origin}');
     globalThis.fetch = (url, init) => real(here(url), init);`,
  );
  environment = {
    ...process.env,
    HOME: join(folder, 'home'),
    NODE_OPTIONS: `--import ${redirect} --no-warnings`,
  };
  project = join(folder, 'project');
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{"name":"project"}');
  await writeFile(join(project, 'config.json'), '{"version":1,"deployAliases":{}}');
}, 60_000);
afterAll(async () => {
  await stop(node);
  await rm(folder, { recursive: true, force: true });
});

async function startNode(data: string, blockSeconds: string): Promise<[ChildProcess, string]> {
  const args = ['node', '--port', '0', '--data', data, '--block-seconds', blockSeconds, '--json'];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return [child, (JSON.parse(line.toString()) as { accountManager: string }).accountManager];
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}

async function acquire(): Promise<{ publicKey: string; privateKey: string }> {
  const response = await fetch(`${origin}/acquire-account`);
  const { pk, sk } = (await response.json()) as { pk: string; sk: string };
  lastAcquired = { publicKey: pk, privateKey: sk };
  return lastAcquired;
}

function network(url = `${origin}/graphql`): Network {
  return new Network({ url, network: 'local', name: 'test' }, () => undefined);
}

const quiet = () => {
  const sink = { write: () => true, isTTY: false } as unknown as NodeJS.WriteStream;
  return new Output({ stdin: process.stdin, stdout: sink, stderr: sink }, true);
};

/** A command in a process of its own, in the configured project. */
function cli(...args: string[]) {
  const ran = spawnSync(process.execPath, [MAIN, ...args, '--json'], {
    cwd: project,
    env: environment,
    encoding: 'utf8',
  });
  return {
    status: ran.status,
    stderr: ran.stderr,
    json: JSON.parse(ran.stdout || 'null') as Record<string, unknown>,
  };
}

describe('with the real zkapp-cli', () => {
  it('zk config --lightnet configures an alias from our node', async () => {
    const ran = spawnSync(process.execPath, [ZK, 'config', '--lightnet'], {
      cwd: project,
      env: environment,
      encoding: 'utf8',
    });
    expect(ran.stdout + ran.stderr).toContain('Success');
    const alias = await readAlias(join(project, 'config.json'), 'Lightnet1');
    expect(alias).toMatchObject({
      network: 'lightnet',
      networkId: 'testnet',
      url: 'http://127.0.0.1:8080/graphql',
      keyPath: join(project, 'keys/lightnet1.json'),
      feePayerKeyPath: join(folder, 'home/.cache/zkapp-cli/keys/lightnet1.json'),
      fee: 10_000_000n,
    });
  });

  it('builds, signs without a network, and sends', async () => {
    const out = join(project, 'payment.json');
    const built = cli(
      ...['tx', 'build', 'payment', '--alias', 'lightnet1', '--to', RECEIVER],
      ...['--amount', '2.5', '--memo', 'for you', '--out', out],
    );
    expect(built.json).toMatchObject({
      fee: '0.01',
      nonce: 0,
      about: `pay 2.5 MINA to ${RECEIVER}`,
    });
    expect(cli('tx', 'send', out, '--alias', 'lightnet1').json).toMatchObject({
      error: { code: 'NOT_SIGNED' },
    });

    const offline = join(folder, 'offline.mjs');
    await writeFile(
      offline,
      `import net from 'node:net';
       globalThis.fetch = net.connect = net.Socket.prototype.connect = () => { throw Error('no network'); };`,
    );
    const key = join(folder, 'home/.cache/zkapp-cli/keys/lightnet1.json');
    const signed = spawnSync(
      process.execPath,
      [MAIN, 'tx', 'sign', out, '--key', key, '--yes', '--json'],
      {
        env: { ...environment, NODE_OPTIONS: `--import ${offline}` },
        encoding: 'utf8',
      },
    );
    const { effects: shown, missing } = JSON.parse(signed.stdout) as {
      effects: string[];
      missing: string[];
    };
    expect(missing).toEqual([]);
    expect(shown).toEqual([
      'signatures are for network testnet',
      expect.stringContaining('pays a fee of 0.01 MINA, nonce 0'),
      'memo "for you"',
      expect.stringContaining(`pays 2.5 MINA to ${RECEIVER}`),
    ]);
    // it is shown before it is signed
    expect(signed.stderr).toContain(shown[3]);

    // waits for blocks on top, and asks another node where one is down
    const nodes = ['http://127.0.0.1:1/graphql', `${origin}/graphql`];
    await writeFile(join(project, 'endpoints.json'), JSON.stringify({ nodes }));
    const send = ['tx', 'send', out, '--alias', 'lightnet1', '--endpoints', 'endpoints.json'];
    const sent = cli(...send, '--confirmations', '2');
    expect(sent.json).toMatchObject({ fee: '0.01', nonce: 0 });
    expect(sent.json.block).toBeGreaterThan(1);
    expect(sent.json.depth).toBeGreaterThanOrEqual(2);
    expect(sent.stderr).toContain('http://127.0.0.1:1/graphql');
    // a second time it is only found
    const again = cli('tx', 'send', out, '--alias', 'lightnet1');
    expect(again.json).toEqual({ ...sent.json, depth: expect.any(Number) as unknown });
    expect(Number(again.json.depth)).toBeGreaterThanOrEqual(Number(sent.json.depth));
    expect((await network().payer(RECEIVER))?.balance).toBe(1_500_000_000n);
  });

  it('shows, asks, and signs only then', async () => {
    const out = join(folder, 'asked.json');
    const { file } = await payment('1000000000');
    const path = join(folder, 'asking-key.json');
    const { publicKey, privateKey } = lastAcquired;
    await writeFile(path, JSON.stringify({ publicKey, privateKey }), { mode: 0o600 });
    const { signature: _, ...unsignedFile } = file as Extract<TransactionFile, { kind: 'payment' }>;
    const about = 'harmless\u001b[2J';
    await writeTransactionFile(out, { ...unsignedFile, about });
    const before = await readFile(out, 'utf8');
    const ask = (answer: string, ...more: string[]) =>
      attensor(['tx', 'sign', out, '--key', path, ...more], answer, { tty: true });

    const shown = await attensor(['tx', 'show', out, '--json']);
    expect(shown.json()).toMatchObject({ missing: [publicKey], about: 'harmless\\u{1b}[2J' });
    expect((await attensor(['tx', 'sign', out, '--key', path, '--json'])).json()).toMatchObject({
      error: { code: 'USAGE' },
    });
    for (const answer of ['n\n', '\n', '']) {
      const refused = await ask(answer);
      expect(refused.exitCode).toBe(130);
      expect(refused.stderr).toContain('pays 1 MINA to');
      expect(refused.stderr).not.toContain('\u001b');
    }
    expect(await readFile(out, 'utf8')).toBe(before);
    const signed = await ask('y\n');
    expect(signed).toMatchObject({ exitCode: 0 });
    expect(missingSignatures(await readTransactionFile(out))).toEqual([]);
  });

  it('refuses what was changed after signing, and keys that are not asked for', async () => {
    const out = join(project, 'payment.json');
    const file = await readTransactionFile(out);
    const changed = {
      ...file,
      command: { ...file.command, to: file.signers[0] },
    } as TransactionFile;
    await writeTransactionFile(join(project, 'changed.json'), changed);
    expect(cli('tx', 'send', 'changed.json', '--alias', 'lightnet1').json).toMatchObject({
      error: { code: 'NOT_SIGNED' },
    });
    const stranger = cli('tx', 'sign', out, '--key', 'keys/lightnet1.json');
    expect(stranger.json).toMatchObject({ error: { code: 'USAGE' } });
    expect(stranger.status).toBe(1);
  });
});

describe('zkApp commands', () => {
  it('signed by mina-signer are what the network accepts', async () => {
    Mina.setActiveInstance(Mina.Network({ mina: `${origin}/graphql`, archive: origin }));
    const [payer, other] = [await acquire(), await acquire()];
    const sender = PublicKey.fromBase58(payer.publicKey);
    const transaction = await Mina.transaction({ sender, fee: 2e8, memo: 'two keys' }, async () => {
      AccountUpdate.createSigned(PublicKey.fromBase58(other.publicKey)).send({
        to: sender,
        amount: 1e9,
      });
    });
    const file: TransactionFile = {
      format: 'attensor-transaction',
      version: 1,
      about: 'a transfer',
      networkId: 'testnet',
      signers: [payer.publicKey, other.publicKey],
      kind: 'zkapp',
      memo: 'two keys',
      command: unsigned(JSON.parse(transaction.toJSON()) as ZkappCommandJson),
    };
    expect(missingSignatures(file)).toEqual([payer.publicKey, other.publicKey]);
    // in either order, one after the other
    const half = sign(file, [other]);
    expect(missingSignatures(half)).toEqual([payer.publicKey]);
    const shown = effects(half);
    expect(shown).toContain('memo "two keys"');
    expect(shown).toContain('   pays 1 MINA');
    expect(shown).toContain(`in all, ${other.publicKey} pays 1 MINA`);
    expect(shown).toContain(`in all, ${payer.publicKey} gets 0.8 MINA`);
    const whole = sign(half, [payer]);
    expect(missingSignatures(whole)).toEqual([]);
    const hash = await hashZkappCommand(JSON.stringify(whole.command));
    const delivered = await deliver(network(), { ...whole, hash }, { wait: true, output: quiet() });
    expect(delivered.block).toBeGreaterThan(0);
    expect((await network().payer(payer.publicKey))?.balance).toBe(1_550_800_000_000n);
  });
});

/** A signed payment, ready to be sent. */
async function payment(amount: string, nonce = '0', from?: Awaited<ReturnType<typeof acquire>>) {
  const key = from ?? (await acquire());
  const { default: Client } = await import('mina-signer');
  const client = new Client({ network: 'testnet' });
  const to = PrivateKey.random().toPublicKey().toBase58();
  const { data, signature } = client.signPayment(
    { from: key.publicKey, to, amount, fee: '10000000', nonce, validUntil: '4294967295', memo: '' },
    key.privateKey,
  );
  const command = { from: key.publicKey, to, amount, fee: '10000000', nonce, memo: '' };
  const hash = client.hashPayment(
    { data, signature, publicKey: key.publicKey },
    { berkeley: true },
  );
  const file: TransactionFile & { hash: string } = {
    format: 'attensor-transaction',
    version: 1,
    about: 'a payment',
    networkId: 'testnet',
    signers: [key.publicKey],
    kind: 'payment',
    command: { ...command, validUntil: '4294967295' },
    signature,
    hash,
  };
  return { file, to };
}

describe('delivery', () => {
  /** Passes requests on to the node, as long as `fault` does not say otherwise. */
  async function proxy(
    fault: (body: string) => 'pass' | 'unavailable' | 'drop-answer',
  ): Promise<[Server, string]> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const what = fault(body);
        if (what === 'unavailable') {
          response.writeHead(503).end();
          return;
        }
        void fetch(`${origin}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        }).then(async (answer) => {
          const text = await answer.text();
          if (what === 'drop-answer') response.destroy();
          else response.writeHead(200, { 'content-type': 'application/json' }).end(text);
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return [server, `http://127.0.0.1:${port}/graphql`];
  }

  it('gets through failures that pass', async () => {
    let failures = 2;
    const [server, url] = await proxy(() => (failures-- > 0 ? 'unavailable' : 'pass'));
    const { file, to } = await payment('2000000000');
    const delivered = await deliver(network(url), file, { wait: true, output: quiet() });
    expect(delivered.block).toBeGreaterThan(0);
    expect((await network().payer(to))?.balance).toBe(1_000_000_000n);
    server.close();
  });

  it('sends once, also when the answer to the first attempt is lost', async () => {
    let sent = 0;
    const [server, url] = await proxy((body) =>
      body.includes('sendPayment') && sent++ === 0 ? 'drop-answer' : 'pass',
    );
    const from = await acquire();
    const { file, to } = await payment('3000000000', '0', from);
    const delivered = await deliver(network(url), file, { wait: true, output: quiet() });
    expect(delivered.block).toBeGreaterThan(0);
    expect(sent).toBe(2);
    expect((await network().payer(to))?.balance).toBe(2_000_000_000n);
    expect((await network().payer(from.publicKey))?.nonce).toBe(1);

    // a transaction whose nonce another one took is given up, and said so
    const late = await payment('4000000000', '0', from);
    await expect(
      deliver(network(), late.file, { wait: true, output: quiet() }),
    ).rejects.toMatchObject({ code: 'NONCE_USED' });
    server.close();
  });

  it('tells in words why a transaction failed', async () => {
    const { file } = await payment('5');
    await expect(deliver(network(), file, { wait: true, output: quiet() })).rejects.toMatchObject({
      code: 'TRANSACTION_FAILED',
      got: expect.stringContaining('does not cover the fee for creating the receiving account'),
    });
  });

  it('reports what the network refuses', async () => {
    const { file } = await payment('1000000000', '5');
    await expect(deliver(network(), file, { wait: true, output: quiet() })).rejects.toMatchObject({
      code: 'REJECTED',
      got: expect.stringContaining('INVALID_NONCE'),
    });
  });
});

describe('mistakes', () => {
  const config = async (name: string, value: unknown) => {
    const path = join(folder, `${name}.json`);
    await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value));
    return path;
  };
  const entry = {
    networkId: 'testnet',
    url: 'http://127.0.0.1:1/graphql',
    keyPath: 'keys/a.json',
    feepayerKeyPath: 'keys/b.json',
    fee: '0.1',
  };
  const cases: Record<string, { config: () => Promise<string>; code: string }> = {
    'no configuration': { config: () => Promise.resolve(join(folder, 'none')), code: 'NOT_FOUND' },
    'one that is not JSON': { config: () => config('broken', '{'), code: 'BAD_FILE' },
    'an alias that is not in it': {
      config: () => config('empty', { deployAliases: {} }),
      code: 'UNKNOWN_ALIAS',
    },
    'an alias without a URL': {
      config: () => config('no-url', { deployAliases: { a: { ...entry, url: undefined } } }),
      code: 'BAD_FILE',
    },
    'a fee that is none': {
      config: () => config('fee', { deployAliases: { a: { ...entry, fee: 'much' } } }),
      code: 'USAGE',
    },
  };

  it.each(Object.keys(cases))('%s: code, exit 1, no stack trace', async (name) => {
    const { config: path, code } = cases[name];
    const ran = await attensor([
      ...['attestations', 'list', '--alias', 'a', '--config', await path(), '--json'],
    ]);
    expect(ran.json()).toMatchObject({ error: { code } });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).not.toMatch(/^\s+at /m);
  });

  it('a key file whose keys do not belong together', async () => {
    const { privateKey } = await acquire();
    const key = await config('key', { privateKey, publicKey: RECEIVER });
    const path = await config('keys', {
      deployAliases: { a: { ...entry, url: `${origin}/graphql`, feepayerKeyPath: key } },
    });
    const ran = await attensor([
      ...['tx', 'build', 'payment', '--alias', 'a', '--config', path, '--to', RECEIVER],
      ...['--amount', '1', '--out', join(folder, 'out.json'), '--json'],
    ]);
    expect(ran.json()).toMatchObject({ error: { code: 'BAD_FILE' } });
    expect(ran.stdout + ran.stderr).not.toContain(privateKey);
  });

  it('a key file with a wrong checksum, and one of mainnet that others can read', async () => {
    const { privateKey, publicKey } = await acquire();
    const mistyped = privateKey.slice(0, -1) + (privateKey.endsWith('1') ? '2' : '1');
    const use = { networkId: 'mainnet' as const, warn: () => undefined };
    const wrong = await config('wrong-key', { privateKey: mistyped, publicKey });
    await chmod(wrong, 0o600);
    await expect(readKeyFile(wrong, use)).rejects.toMatchObject({ code: 'BAD_FILE' });

    const open = await config('open-key', { privateKey, publicKey });
    await chmod(open, 0o644);
    await expect(readKeyFile(open, use)).rejects.toMatchObject({ code: 'INSECURE_FILE' });
    const warnings: string[] = [];
    const test = { networkId: 'testnet' as const, warn: (line: string) => warnings.push(line) };
    for (let i = 0; i < 2; i++) expect((await readKeyFile(open, test)).publicKey).toBe(publicKey);
    expect(warnings).toEqual([expect.stringContaining(`chmod 600 ${open}`)]);
    await chmod(open, 0o600);
    await readKeyFile(open, use);
  });

  it('an address with a wrong checksum', async () => {
    const swapped = RECEIVER.replace(/(.)(.)$/, (_, a: string, b: string) =>
      a === b ? `${a}${a === '1' ? '2' : '1'}` : `${b}${a}`,
    );
    const ran = await attensor([
      ...['tx', 'build', 'payment', '--alias', 'a', '--to', swapped, '--amount', '1'],
      ...['--out', join(folder, 'out.json'), '--json'],
    ]);
    expect(ran.json()).toMatchObject({
      error: { code: 'USAGE', what: expect.stringContaining('checksum') as unknown },
    });
    expect(ran.exitCode).toBe(1);
  });

  it('an account that the network does not have', async () => {
    const key = PrivateKey.random();
    const file = await config('poor-key', {
      privateKey: key.toBase58(),
      publicKey: key.toPublicKey().toBase58(),
    });
    const path = await config('poor', {
      deployAliases: { a: { ...entry, url: `${origin}/graphql`, feepayerKeyPath: file } },
    });
    const ran = await attensor([
      ...['tx', 'build', 'payment', '--alias', 'a', '--config', path, '--to', RECEIVER],
      ...['--amount', '1', '--out', join(folder, 'out.json'), '--json'],
    ]);
    expect(ran.json()).toMatchObject({ error: { code: 'UNKNOWN_ACCOUNT' } });
  });
});

describe('the journal', () => {
  it('is private', async () => {
    const journal = await Journal.open(join(folder, 'cache'), ['a', 'b']);
    const { file } = await payment('1000000000');
    await journal.write(file);
    expect((await stat(journal.path)).mode & 0o777).toBe(0o600);
    const again = await Journal.open(join(folder, 'cache'), ['a', 'b']);
    expect((await again.read())?.hash).toBe(file.hash);
    const other = await Journal.open(join(folder, 'cache'), ['a', 'c']);
    expect(await other.read()).toBeUndefined();
    await writeFile(journal.path, (await readFile(journal.path, 'utf8')).slice(0, 100));
    expect(await again.read()).toBeUndefined();
  });
});
