/** Steps and their store: nothing is done twice, what is damaged is done again, and nothing is left behind. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Scheduler, type Codec, type Step } from './steps.js';
import { FileStore, NO_STORE } from './store.js';

const text: Codec<string> = {
  encode: (value) => new TextEncoder().encode(value),
  decode: async (bytes) => new TextDecoder().decode(bytes),
};

let dir: string;
let ran: string[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'attensor-steps-'));
  ran = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A chain: `first` lives in memory, the others are kept. */
function chain(key = 'k'.repeat(64), fail = false) {
  const disposed: string[] = [];
  const first: Step<string> = {
    ...{ name: 'first', key, inputs: [] },
    run: async () => (ran.push('first'), 'a'),
    dispose: (value) => disposed.push(value),
  };
  const second: Step<string> = {
    ...{ name: 'second', key, inputs: [first], codec: text },
    run: async (context) => (ran.push('second'), `${await context.get(first)}b`),
  };
  const third: Step<string> = {
    ...{ name: 'third', key, inputs: [second], codec: text },
    async run(context) {
      ran.push('third');
      if (fail) throw new Error('interrupted');
      return `${await context.get(second)}c`;
    },
  };
  return { first, second, third, disposed };
}

describe('a scheduler', () => {
  it('runs each step once, inputs first', async () => {
    const { second, third } = chain();
    const scheduler = new Scheduler(NO_STORE);
    expect(await scheduler.get(third)).toBe('abc');
    expect(await scheduler.get(second)).toBe('ab');
    expect(ran).toEqual(['first', 'second', 'third']);
    expect([...scheduler.seconds.keys()].sort()).toEqual(['first', 'second', 'third']);
  });

  it('goes on where an interrupted run stopped', async () => {
    const store = new FileStore(dir);
    await expect(new Scheduler(store).get(chain(undefined, true).third)).rejects.toThrow(
      'interrupted',
    );
    ran = [];
    const scheduler = new Scheduler(store);
    const { second, third } = chain();
    expect(await scheduler.get(third)).toBe('abc');
    expect(ran).toEqual(['third']);
    expect([...scheduler.loaded]).toEqual(['second']);
    await scheduler.clear(second, third);
    expect(await readdir(dir)).toEqual([]);
  });

  it('finds nothing that was made from other inputs', async () => {
    const store = new FileStore(dir);
    await new Scheduler(store).get(chain().third);
    ran = [];
    await new Scheduler(store).get(chain('l'.repeat(64)).third);
    expect(ran).toEqual(['first', 'second', 'third']);
  });

  it('stops between steps when it is cancelled', async () => {
    const abort = new AbortController();
    const scheduler = new Scheduler(NO_STORE, {
      signal: abort.signal,
      onStep: (step) => {
        if (step === 'second') abort.abort();
      },
    });
    await expect(scheduler.get(chain().third)).rejects.toThrow('abort');
    expect(ran).toEqual(['first', 'second']);
  });

  it('asks before it makes what its store does not have', async () => {
    const missing: string[] = [];
    const options = {
      onMissing: ({ name }: Step<unknown>) => {
        missing.push(name);
        if (name === 'second') throw new Error('made elsewhere');
      },
    };
    const scheduler = new Scheduler(NO_STORE, options);
    await expect(scheduler.get(chain().third)).rejects.toThrow('made elsewhere');
    expect([missing, ran]).toEqual([['third', 'second'], []]);
  });

  it('frees what it releases, and makes it again when it is asked for', async () => {
    const { first, disposed } = chain();
    const scheduler = new Scheduler(NO_STORE);
    await scheduler.get(first);
    await scheduler.release(first);
    expect(disposed).toEqual(['a']);
    await scheduler.get(first);
    expect(ran).toEqual(['first', 'first']);
  });

  it('releases what one step reads when that step is done', async () => {
    const { first, second, disposed } = chain();
    const scheduler = new Scheduler(NO_STORE);
    await scheduler.get({ ...second, inputs: [{ ...first, readOnce: true }] });
    expect(disposed).toEqual(['a']);
  });

  it('tries a failed step again', async () => {
    let failures = 1;
    const step: Step<string> = {
      ...{ name: 'once', key: 'k', inputs: [] },
      async run() {
        if (failures-- > 0) throw new Error('no memory');
        return 'done';
      },
    };
    const scheduler = new Scheduler(NO_STORE);
    await expect(scheduler.get(step)).rejects.toThrow('no memory');
    expect(await scheduler.get(step)).toBe('done');
  });
});

describe('a file store', () => {
  it('keeps private files in a private folder', async () => {
    const folder = join(dir, 'jobs');
    const store = new FileStore(folder);
    await store.put('a', Uint8Array.from([1, 2, 3]));
    expect([...((await store.get('a')) ?? [])]).toEqual([1, 2, 3]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o600);
    // a folder that was opened to others is closed again
    await chmod(folder, 0o755);
    await store.put('b', Uint8Array.from([4]));
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  it('takes a damaged, cut or empty file for an absent one', async () => {
    const store = new FileStore(dir);
    await store.put('a', Uint8Array.from([1, 2, 3]));
    const path = join(dir, 'a');
    const bytes = await readFile(path);
    for (const damaged of [
      bytes.map((v, k) => (k === 1 ? v ^ 1 : v)),
      bytes.subarray(0, -1),
      bytes.subarray(1),
      new Uint8Array(),
    ]) {
      await writeFile(path, damaged);
      expect(await store.get('a')).toBeUndefined();
    }
    expect(await store.get('none')).toBeUndefined();
    await store.remove('none');
    // a writer that was killed
    await writeFile(`${path}.4711.tmp`, bytes);
    await store.remove('a');
    expect(await readdir(dir)).toEqual([]);
  });
});
