/**
 * The commands that put a contract on a network and use it, against a node in a process of its own, with
 * real proofs: deploy, submit, settle, read, rotate; interrupted and taken up again.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '@attensor/cli';
import { Statement } from '@attensor/contracts';
import { standIn, statementOf } from '@attensor/contracts/testing';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PrivateKey, setBackend } from 'o1js';

setBackend('native');

const MAIN = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));
const contract = PrivateKey.random();
const nextOwner = PrivateKey.random();

let folder: string;
let node: ChildProcess;
let origin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-deployment-'));
  const args = ['node', '--port', '0', '--data', join(folder, 'node'), '--block-seconds', '0'];
  node = spawn(process.execPath, [MAIN, ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(node.stdout!, 'data')) as [Buffer];
  origin = (JSON.parse(line.toString()) as { accountManager: string }).accountManager;

  const { pk, sk } = (await (await fetch(`${origin}/acquire-account`)).json()) as {
    pk: string;
    sk: string;
  };
  await json('payer.json', { publicKey: pk, privateKey: sk });
  await json('contract.json', keyFile(contract));
  await json('config.json', {
    version: 1,
    deployAliases: {
      local: {
        networkId: 'testnet',
        url: `${origin}/graphql`,
        keyPath: 'contract.json',
        feepayerKeyPath: 'payer.json',
        feepayerAlias: 'local',
        fee: '0.1',
      },
    },
  });
  const { verificationKey } = await standIn.compile();
  await json('commitment.json', commitment('11', verificationKey.hash.toString()));
  await json('other.json', commitment('12', verificationKey.hash.toString()));
  const statement = statementOf({ modelRoot: 11, vocabularyRoot: 22 });
  const proof = (await standIn.whole(statement)).proof.toJSON();
  await json('proof.json', {
    format: 'attensor-proof',
    version: 1,
    statement: Statement.toJSON(statement),
    verificationKey: { data: verificationKey.data, hash: verificationKey.hash.toString() },
    proof,
  });
});
afterAll(async () => {
  const exit = once(node, 'exit');
  node.kill('SIGTERM');
  await exit;
  await rm(folder, { recursive: true, force: true });
});

async function json(name: string, value: object): Promise<void> {
  await writeFile(join(folder, name), JSON.stringify(value));
}

function keyFile(key: PrivateKey) {
  return { publicKey: key.toPublicKey().toBase58(), privateKey: key.toBase58() };
}

function commitment(modelRoot: string, verifierKeyHash: string) {
  const sizes = { configHash: '1', capacity: 4, logSize: 18, logInvRate: 3 };
  const format = { format: 'attensor-commitment', version: 2 };
  return { ...format, ...sizes, modelRoot, vocabularyRoot: '22', verifierKeyHash };
}

const path = (name: string) => join(folder, name);

/** Runs a command in this process: the contract is compiled once. */
async function attensor(...args: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const all = [...args, '--alias', 'local', '--config', path('config.json'), '--json'];
  const exitCode = await run(all, { stdin: Readable.from(['']), stdout, stderr });
  const text = String(stdout.read() ?? '');
  return {
    exitCode,
    json: JSON.parse(text) as Record<string, unknown>,
    log: String(stderr.read()),
  };
}

async function makeBlock(): Promise<void> {
  await fetch(`${origin}/make-block`, { method: 'POST' });
}

/** Runs a command while blocks are made. */
async function withBlocks<T>(work: Promise<T>): Promise<T> {
  const timer = setInterval(() => void makeBlock(), 1000);
  return await work.finally(() => clearInterval(timer));
}

describe('deployment', () => {
  it('that is interrupted is taken up, and not made twice', async () => {
    const deploy = ['deploy', '--commitment', path('commitment.json')];
    const first = await attensor(...deploy, '--no-wait');
    expect(first.json).toMatchObject({ deployed: true, resumed: false });
    expect(first.json.block).toBeUndefined();

    const second = await withBlocks(attensor(...deploy));
    expect(second.json).toMatchObject({ resumed: true, transaction: first.json.transaction });
    expect(second.json.block).toBeGreaterThan(1);

    const third = await attensor(...deploy);
    expect(third.json).toEqual({ contract: keyFile(contract).publicKey, deployed: false });

    const other = await attensor('deploy', '--commitment', path('other.json'));
    expect(other.json).toMatchObject({ error: { code: 'ALREADY_DEPLOYED' } });
  });

  it('a proof is submitted once, settled, and found', async () => {
    const submitted = await withBlocks(attensor('submit', path('proof.json'), '--fee', '0.2'));
    expect(submitted.json).toMatchObject({ submitted: true, fee: '0.2', resumed: false });
    expect((await attensor('submit', path('proof.json'))).json).toMatchObject({ submitted: false });

    const listed = await attensor('attestations', 'list', '--pending');
    expect(listed.json).toMatchObject({ count: 1, settled: 0, attestations: [{ index: 0 }] });

    const settled = await withBlocks(attensor('settle', '--all', '--memo', 'settle'));
    expect(settled.json).toMatchObject({ settled: 1, pending: 0 });
    expect((await attensor('settle')).json).toMatchObject({ settled: 0, transactions: [] });

    const found = await attensor('attestations', 'get', '--proof', path('proof.json'));
    expect(found.json).toMatchObject({
      found: true,
      attestation: { settled: true, transaction: submitted.json.transaction },
    });
    const none = await attensor('attestations', 'get', '7');
    expect(none.json).toMatchObject({ found: false });
    expect(none.exitCode).toBe(2);
  });

  it('only the owner changes the owner and the model', async () => {
    await json('next.json', keyFile(nextOwner));
    const next = keyFile(nextOwner).publicKey;
    const stranger = ['rotate', '--owner', next, '--owner-key', path('payer.json')];
    expect((await attensor(...stranger)).json).toMatchObject({ error: { code: 'WRONG_OWNER' } });

    const rotated = await withBlocks(attensor('rotate', '--owner', next));
    expect(rotated.json).toMatchObject({ changed: true });
    expect((await attensor('rotate', '--owner', next)).json).toMatchObject({ changed: false });
    const before = await attensor('rotate', '--commitment', path('other.json'));
    expect(before.json).toMatchObject({ error: { code: 'WRONG_OWNER' } });
  });
});
