/** `attensor attestations` against a node and an archive that a test makes up; with proofs it is in tests/src/deployment.proof.test.ts. */
import { CONTRACT_KEY_HASH } from '@attensor/contracts';
import { FakeNetwork } from '@attensor/contracts/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setBackend } from 'o1js';
import { attensor } from './testing/streams.js';

setBackend('native');

let folder: string;
let network: FakeNetwork;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-attestations-'));
  network = await FakeNetwork.start();
  const alias = {
    ...{ networkId: 'testnet', url: network.url, fee: '0.1' },
    ...{ keyPath: 'none.json', feepayerKeyPath: 'none.json' },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify({ deployAliases: { a: alias } }));
});
afterAll(async () => {
  await network.stop();
  await rm(folder, { recursive: true, force: true });
});
/** Answers 7 and 8 are settled by block 110, 9 is pending, in a chain of 115 blocks. */
beforeEach(() => {
  network.height = 115;
  network.blocks = [
    { height: 100, answers: [7, 8] },
    { height: 112, answers: [9] },
  ];
  network.settlements = [{ height: 110, count: 2 }];
  network.orphans.clear();
  network.hidesCanonical = network.isArchiveDown = false;
  network.contractKeyHash = CONTRACT_KEY_HASH;
});

async function run(...args: string[]) {
  const ran = await attensor([
    ...['attestations', ...args.slice(0, 1), '--cache', join(folder, 'cache'), ...args.slice(1)],
    ...['--alias', 'a', '--config', join(folder, 'config.json')],
    ...['--contract', network.address.toBase58(), '--json'],
  ]);
  return { ...ran, json: ran.json() };
}
interface Listed {
  index: number;
  state: string;
  block?: number;
  depth?: number;
  settledIn?: { depth: number };
}
const list = async (...args: string[]) => {
  const { json } = await run('list', ...args);
  return (json.attestations as Listed[]).map(({ index, state, depth, settledIn }) => [
    ...[index, state, depth],
    settledIn?.depth,
  ]);
};

it('a minimal depth leaves out what is not so deep, and calls settled what is settled as deep', async () => {
  expect(await list()).toEqual([
    [0, 'settled', 15, 5],
    [1, 'settled', 15, 5],
    [2, 'submitted', 3, undefined],
  ]);
  const settledAt = (state: string) => [
    [0, state, 15, 5],
    [1, state, 15, 5],
  ];
  expect(await list('--min-depth', '5')).toEqual(settledAt('settled'));
  expect(await list('--min-depth', '6')).toEqual(settledAt('submitted'));
  expect(await list('--min-depth', '6', '--pending')).toEqual(settledAt('submitted'));
  expect(await list('--min-depth', '16')).toEqual([]);
  const { json } = await run('list', '--min-depth', '4');
  expect(json).toMatchObject({ genuine: true, height: 115, count: 2, settled: 2 });
});

it('one that is not so deep is not found', async () => {
  const found = await run('get', '2', '--min-depth', '3');
  expect(found).toMatchObject({ exitCode: 0, json: { found: true, attestation: { block: 112 } } });
  const shallow = await run('get', '2', '--min-depth', '4');
  expect(shallow).toMatchObject({ exitCode: 2, json: { found: false } });
  expect((await run('get', '2', '--min-depth', 'deep')).exitCode).toBe(1);
});

it('what the chain moved to another block is as deep as it is there, checkpoint or not', async () => {
  await list();
  network.blocks[1].height = 114;
  network.orphans.set(114, 112);
  expect((await list()).at(-1)).toEqual([2, 'submitted', 1, undefined]);
  // told of only in a block that was left
  network.hidesCanonical = true;
  expect((await list()).at(-1)).toEqual([2, 'submitted', undefined, undefined]);
  expect(await list('--min-depth', '1')).toHaveLength(2);
});

it('an archive that is down is no reason to call anything deep', async () => {
  await list();
  network.isArchiveDown = true;
  // the checkpoint has it all, but not where it is now
  expect((await list()).map(([index, state]) => [index, state])).toEqual([
    [0, 'settled'],
    [1, 'settled'],
    [2, 'submitted'],
  ]);
  expect(await list('--min-depth', '1')).toEqual([]);
});

it('a foreign contract attests nothing, and neither does one of another model', async () => {
  const sizes = { configHash: '1', capacity: 4, logSize: 18, logInvRate: 3, hashingLogInvRate: 2 };
  const model = { modelRoot: '1', vocabularyRoot: '2', verifierKeyHash: '5' };
  const commitment = async (name: string, change: object) => {
    const file = join(folder, name);
    const format = { format: 'attensor-commitment', version: 4 };
    await writeFile(file, JSON.stringify({ ...format, ...sizes, ...model, ...change }));
    return ['--commitment', file];
  };
  const own = await commitment('commitment.json', {});
  expect(await run('get', '0', ...own)).toMatchObject({ exitCode: 0, json: { found: true } });
  const refused = { exitCode: 2, json: { error: { code: 'NOT_GENUINE' } } };
  for (const change of [{ modelRoot: '7' }, { vocabularyRoot: '7' }, { verifierKeyHash: '7' }])
    expect(await run('get', '0', ...(await commitment('other.json', change)))).toMatchObject(
      refused,
    );
  network.contractKeyHash = '123';
  for (const command of [['list'], ['get', '0'], ['export', '--out', join(folder, 'none.json')]])
    expect(await run(...command)).toMatchObject(refused);
});

it('a checkpoint that is imported is kept, also where nothing came after it', async () => {
  const out = join(folder, 'exported.json');
  expect((await run('export', '--out', out)).json).toMatchObject({ out, count: 3 });
  const cache = join(folder, 'other-cache');
  const { json } = await run('import', out, '--cache', cache);
  expect(json).toMatchObject({ imported: 4, count: 3 });
  const [name] = await readdir(join(cache, 'checkpoints'));
  const [kept, exported] = await Promise.all(
    [join(cache, 'checkpoints', name), out].map((path) => readFile(path, 'utf8')),
  );
  expect(kept).toBe(exported);
});

it('a disk that takes no more is reported, and what was kept stays as it was', async () => {
  const out = join(folder, 'checkpoint.json');
  await run('export', '--out', out);
  const before = await readFile(out, 'utf8');
  const cache = join(folder, 'full');
  const args = [
    '--alias',
    'a',
    '--config',
    join(folder, 'config.json'),
    '--cache',
    cache,
    '--json',
  ];
  /** In a process that can write no byte into a file. */
  const full = async (...command: string[]) => {
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const address = network.address.toBase58();
    const all = [main, 'attestations', ...command, ...args, '--contract', address];
    const script = 'ulimit -f 0; exec "$0" "$@"';
    const child = spawn('bash', ['-c', script, process.execPath, ...all], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) => {
      let text = '';
      for await (const chunk of stream as AsyncIterable<Buffer>) text += chunk.toString();
      return text;
    });
    const [code] = (await once(child, 'exit')) as [number];
    return { code, json: JSON.parse(await stdout) as unknown, log: await stderr };
  };
  // reading is as good without a checkpoint
  const listed = await full('list');
  expect(listed).toMatchObject({ code: 0, json: { count: 3 } });
  expect(listed.log).toContain('WRITE_FAILED');
  const failed = { code: 3, json: { error: { code: 'WRITE_FAILED' } } };
  expect(await full('export', '--out', out)).toMatchObject(failed);
  expect(await full('import', out)).toMatchObject(failed);
  expect(await readFile(out, 'utf8')).toBe(before);
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
