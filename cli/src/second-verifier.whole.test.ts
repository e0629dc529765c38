/** `spec/verify.py`, written from the specification alone, on what `--messages` exports: it accepts honest runs and refuses forgers. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attensor } from './testing/streams.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const P = 0x40000000000000000000000000000000224698fc094cf91b992d30ed00000001n;

interface Exported {
  logInvRate: number;
  hashingLogInvRate: number;
  statement: Record<string, string>;
  messages: string[];
  [rest: string]: unknown;
}

let folder: string;
const at = (name: string) => join(folder, `${name}.json`);

function verify(...args: string[]): Promise<{ code: number; lines: string[]; stderr: string }> {
  return new Promise((resolve) =>
    execFile('python3', [join(ROOT, 'spec/verify.py'), ...args], (error, stdout, stderr) =>
      resolve({
        code: error ? Number(error.code) : 0,
        lines: stdout.trimEnd().split('\n'),
        stderr,
      }),
    ),
  );
}

const COMPONENTS = {
  softmax: ['softmax_qk', '--rows', '2', '--heads', '1'],
  embedding: ['embedding', '--rows', '3', '--dim', '4', '--vocabulary', '10'],
  gemm: ['wkv_a1', '--rows', '2', '--inner', '5', '--outer', '3'],
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-spec-'));
  for (const [name, sizes] of Object.entries(COMPONENTS)) {
    const ran = await attensor(['prove-component', ...sizes, '--messages', at(name), '--json']);
    expect(ran.exitCode).toBe(0);
  }
  const model = join(folder, 'model');
  await attensor(['model', 'import', join(ROOT, 'models/nano'), '--out', model]);
  await attensor(['model', 'commit', model, '--capacity', '4']);
  const answer = ['--prompt-tokens', '510,12', '--max-tokens', '2'];
  const ran = await attensor(['prove', model, ...answer, '--messages', at('model'), '--json']);
  expect(ran.exitCode).toBe(0);
  const exported = await read('model');
  expect(ran.json()).toMatchObject({
    statement: exported.statement,
    messages: exported.messages.length,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = async (name: string) => JSON.parse(await readFile(at(name), 'utf8')) as Exported;
const write = (name: string, file: unknown) => writeFile(at(name), JSON.stringify(file));
const NAMES = [...Object.keys(COMPONENTS), 'model'];

it('accepts honest runs of components and of a model, and says what they prove', async () => {
  const { code, lines } = await verify(...NAMES.map(at));
  expect(lines.filter((line) => line.includes(': accepted in '))).toHaveLength(NAMES.length);
  expect(code).toBe(0);
  const { statement } = await read('model');
  for (const [field, value] of Object.entries(statement))
    expect(lines).toContain(`  ${field} ${value}`);
});

it('writes messages for the owner only', async () => {
  expect((await stat(at('model'))).mode & 0o777).toBe(0o600);
});

describe('refuses', () => {
  /** All of them are read, none is accepted, and each has a reason. */
  async function refused(files: Record<string, Exported>): Promise<void> {
    for (const [name, file] of Object.entries(files)) await write(name, file);
    const names = Object.keys(files);
    const { code, lines, stderr } = await verify(...names.map(at));
    expect(lines.filter((line) => !/: refused: .{10}/.test(line))).toEqual([]);
    expect(lines).toHaveLength(names.length);
    expect(stderr).toBe('');
    expect(code).toBe(1);
  }

  it('a change of any kind of message', async () => {
    const forged: Record<string, Exported> = {};
    const seen = new Set<string>();
    for (const name of ['softmax', 'embedding', 'model']) {
      const honest = await read(name);
      const { lines } = await verify('--places', at(name));
      const places = JSON.parse(lines[0]) as [what: string, first: number, count: number][];
      expect(places.reduce((sum, [, , count]) => sum + count, 0)).toBe(honest.messages.length);
      for (const [what, first, count] of places) {
        if (seen.has(what) || count === 0) continue;
        seen.add(what);
        const messages = [...honest.messages];
        const k = first + count - 1;
        messages[k] = String((BigInt(messages[k]) + 1n) % P);
        forged[`${name}-${k}`] = { ...honest, messages };
      }
    }
    expect(seen.size).toBeGreaterThan(60);
    await refused(forged);
  });

  it('another statement, other rates, and messages cut, appended or exchanged', async () => {
    const honest = await read('embedding');
    const { statement, messages } = honest;
    const forged: Record<string, Exported> = {
      cut: { ...honest, messages: messages.slice(0, -1) },
      none: { ...honest, messages: [] },
      appended: { ...honest, messages: [...messages, '0'] },
      exchanged: { ...honest, messages: [messages[1], messages[0], ...messages.slice(2)] },
      'of another': { ...honest, messages: (await read('gemm')).messages },
      rate: { ...honest, logInvRate: honest.logInvRate + 1 },
      'rate of S': { ...honest, hashingLogInvRate: honest.hashingLogInvRate + 1 },
      kind: { ...honest, component: { ...(honest.component as object), dim: 3 } },
    };
    for (const field of Object.keys(statement)) {
      const other = String((BigInt(statement[field]) + 1n) % P);
      forged[`another ${field}`] = { ...honest, statement: { ...statement, [field]: other } };
    }
    await refused(forged);
  });
});

it('says what is wrong with a file that is no export', async () => {
  const honest = await read('embedding');
  const [first, ...rest] = honest.messages;
  await writeFile(at('text'), 'no JSON');
  await writeFile(at('deep'), '['.repeat(100_000));
  const files: Record<string, unknown> = {
    'no object': [1],
    'no format': { ...honest, format: 'attensor-proof' },
    'not canonical': { ...honest, messages: [String(BigInt(first) + P), ...rest] },
    'no string': { ...honest, messages: [1, ...rest] },
    'no sizes': { ...honest, component: { kind: 'embedding' } },
    'no kind': { ...honest, component: { kind: 'other' } },
    'negative size': { ...honest, component: { ...(honest.component as object), rows: -1 } },
    'no fields': { ...honest, statement: {} },
    'too large': { ...honest, logSize: 40 },
    'unknown key': { ...honest, surprise: 1 },
  };
  for (const [name, file] of Object.entries(files)) await write(name, file);
  const names = ['text', 'deep', 'absent', ...Object.keys(files)];
  const { code, lines, stderr } = await verify(...names.map(at));
  expect(lines.filter((line) => !/: unreadable: .{10}/.test(line))).toEqual([]);
  expect(lines).toHaveLength(names.length);
  expect(stderr).toBe('');
  expect(code).toBe(2);
});

it('--messages needs a question, and writes no proof beside them', async () => {
  const model = join(folder, 'model');
  const unasked = await attensor(['prove', model, '--messages', at('unasked')]);
  expect(unasked).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--max-tokens') });
  const both = ['--messages', at('both'), '--out', at('proof')];
  for (const command of [
    ['prove', model],
    ['prove-component', 'wkv_a1'],
  ])
    expect((await attensor([...command, ...both])).exitCode).toBe(1);
});
