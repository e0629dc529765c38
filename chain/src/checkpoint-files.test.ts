import { linkUpdates, makeCheckpoint } from '@attensor/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { checkpointFiles } from './checkpoint-files.js';

const ADDRESS = `B62${'q'.repeat(52)}`;
const checkpoint = makeCheckpoint(ADDRESS, 10, linkUpdates([{ actions: [['1', '2']] }]));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-checkpoints-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('checkpoint files', () => {
  it('are there for the next one who asks, by network', async () => {
    const store = checkpointFiles(join(folder, 'new'), 'one');
    expect(await store.load(ADDRESS)).toBeUndefined();
    await store.save(checkpoint);
    expect(await store.load(ADDRESS)).toEqual(checkpoint);
    expect(await checkpointFiles(join(folder, 'new'), 'other').load(ADDRESS)).toBeUndefined();
  });

  it('stay as they were where the disk takes no more', async () => {
    const dir = join(folder, 'full');
    const store = checkpointFiles(dir, 'one');
    await store.save(checkpoint);
    const script = await writer(dir, 'await store.save(checkpoint);');
    // the system refuses files of more than 8 KiB, in the middle of the write
    const child = spawn('bash', ['-c', `ulimit -f 8; exec "$0" "$1"`, process.execPath, script], {
      stdio: 'ignore',
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).not.toBe(0);
    expect(await store.load(ADDRESS)).toEqual(checkpoint);
  });

  it('are whole whenever the writer is killed', async () => {
    const dir = join(folder, 'killed');
    const store = checkpointFiles(dir, 'one');
    await store.save(checkpoint);
    const script = await writer(
      dir,
      "console.log('ready'); for (;;) await store.save(checkpoint);",
    );
    for (const after of [0, 3, 7, 20, 50]) {
      const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      await setTimeout(after);
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(await store.load(ADDRESS)).toMatchObject({ version: 1, address: ADDRESS });
    }
    const [name] = (await readdir(dir)).filter((each) => !each.endsWith('.tmp'));
    expect((await readFile(join(dir, name), 'utf8')).endsWith('}\n')).toBe(true);
  });
});

/** A program that keeps a large checkpoint. */
async function writer(dir: string, run: string): Promise<string> {
  const module = new URL('./checkpoint-files.js', import.meta.url).href;
  const script = join(folder, 'write.mjs');
  const updates = Array.from({ length: 20_000 }, (_, i) => ({ actions: [[String(i)]] }));
  await writeFile(
    script,
    `import { checkpointFiles } from ${JSON.stringify(module)};
     const store = checkpointFiles(${JSON.stringify(dir)}, 'one');
     const checkpoint = ${JSON.stringify({ ...checkpoint, updates })};
     ${run}`,
  );
  return script;
}
