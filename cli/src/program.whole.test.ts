import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attensor } from './testing/streams.js';

const CHECKPOINT = fileURLToPath(new URL('../../models/nano', import.meta.url));

let folder: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-cli-'));
  model = join(folder, 'model');
  const { exitCode } = await attensor(['model', 'import', CHECKPOINT, '--out', model]);
  expect(exitCode).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

describe('results', () => {
  it('generate prints the continuation of the reference', async () => {
    const text = await readFile(join(CHECKPOINT, 'reference.json'), 'utf8');
    const [first] = (
      JSON.parse(text) as {
        prompts: { prompt: string; prompt_ids: number[]; continuation_ids: number[] }[];
      }
    ).prompts;
    const ran = await attensor([
      ...['generate', model, '--prompt', first.prompt],
      ...['--max-tokens', '4', '--json'],
    ]);
    expect(ran.exitCode).toBe(0);
    expect(ran.json()).toMatchObject({
      tokens: first.continuation_ids.slice(0, 4),
      promptTokens: first.prompt_ids.length,
      outputTokens: 4,
    });
  });

  it('generate takes token ids, and needs no tokenizer for them', async () => {
    const bare = join(folder, 'bare');
    await cp(model, bare, { recursive: true });
    await rm(join(bare, 'tokenizer.json'));
    const asked = ['--max-tokens', '2', '--json'];
    const ids = ['--prompt-tokens', '510,73'];
    const ran = await attensor(['generate', bare, ...ids, ...asked]);
    const whole = await attensor(['generate', model, ...ids, ...asked]);
    expect(ran.json()).toMatchObject({ text: null, promptTokens: 2 });
    expect(ran.json().tokens).toEqual(whole.json().tokens);
    const text = await attensor(['generate', bare, '--prompt', 'a', ...asked]);
    expect(text.json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
    expect(text.stdout + text.stderr).toContain('--prompt-tokens');
    const both = await attensor(['generate', model, '--prompt', 'a', ...ids, ...asked]);
    expect(both.json()).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('generate --log writes a JSON line per layer to stderr', async () => {
    const ran = await attensor([
      ...['generate', model, '--prompt', 'a', '--max-tokens', '1'],
      ...['--json', '--log'],
    ]);
    const records = ran.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string });
    expect(records.map(({ event }) => event)).toEqual(['layer', 'layer', 'head']);
    expect(ran.json()).toHaveProperty('text');
  });

  it('eval compares with the reference', async () => {
    const reference = join(CHECKPOINT, 'reference.json');
    const ran = await attensor(['eval', model, '--reference', reference, '--json']);
    expect(ran.exitCode).toBe(0);
    const { prompts, identical, perplexity } = ran.json();
    expect(identical).toBe(prompts);
    expect(perplexity).toBeNull();
  });

  it('generates the same on any device', async () => {
    // Processes of their own: a process keeps the library of the first device that it opens.
    const main = fileURLToPath(new URL('./main.js', import.meta.url));
    const args = ['generate', model, '--prompt', 'a', '--max-tokens', '2', '--json'];
    const tokensOn = (device: string): unknown => {
      const command = [main, ...args, '--device', device];
      const stdout = execFileSync(process.execPath, command, { encoding: 'utf8', stdio: 'pipe' });
      return (JSON.parse(stdout) as { tokens: unknown }).tokens;
    };
    const tokens = tokensOn('cpu');
    expect(tokens).toHaveLength(2);
    expect(tokensOn('auto')).toEqual(tokens);
  });

  it('chat answers every line', async () => {
    const lines = 'one\n\ntwo\n';
    const ran = await attensor(['chat', model, '--max-tokens', '2', '--json'], lines);
    expect(ran.exitCode).toBe(0);
    const turns = ran.json().turns as { prompt: string }[];
    expect(turns.map(({ prompt }) => prompt)).toEqual(['one', 'two']);
  });
});

describe('mistakes', () => {
  const prove = ['--prompt', 'a', '--max-tokens', '2'];
  const cases: Record<string, { args: () => string[] | Promise<string[]>; code: string }> = {
    'an unknown option': { args: () => ['generate', model, '--nope'], code: 'USAGE' },
    'confirmations without waiting': {
      args: () => ['settle', '--alias', 'local', '--confirmations', '3', '--no-wait'],
      code: 'USAGE',
    },
    'a missing option': { args: () => ['generate', model], code: 'USAGE' },
    'a bad number': {
      args: () => ['generate', model, '--prompt', 'a', '--max-tokens', '-1'],
      code: 'USAGE',
    },
    'an empty prompt': {
      args: () => ['generate', model, '--prompt', '', '--max-tokens', '1'],
      code: 'EMPTY_PROMPT',
    },
    'an unknown device': {
      args: () => ['generate', model, '--prompt', 'a', '--max-tokens', '1', '--device', 'tpu'],
      code: 'USAGE',
    },
    'a model that is not there': {
      args: () => ['generate', join(folder, 'none'), '--prompt', 'a', '--max-tokens', '1'],
      code: 'NOT_FOUND',
    },
    'an import over something': {
      args: () => ['model', 'import', CHECKPOINT, '--out', model],
      code: 'OUTPUT_EXISTS',
    },
    'a random model over something': {
      args: () => ['model', 'random', '--config', join(CHECKPOINT, 'config.json'), '--out', model],
      code: 'OUTPUT_EXISTS',
    },
    'a random model with a bad seed': {
      args: () => [
        'model',
        'random',
        '--config',
        'x',
        '--out',
        join(folder, 'none'),
        '--seed',
        '-1',
      ],
      code: 'USAGE',
    },
    'an uncommitted model': { args: () => ['keys', model], code: 'NOT_FOUND' },
    'prove without an output file': { args: () => ['prove', model, ...prove], code: 'USAGE' },
    'prove into no folder': {
      args: () => ['prove', model, ...prove, '--out', join(folder, 'none/proof.json')],
      code: 'NOT_FOUND',
    },
    'a batch and a prompt': {
      args: () => ['prove', model, '--batch', 'x', ...prove],
      code: 'USAGE',
    },
    'a batch line that is not JSON': {
      args: async () => ['prove', model, '--batch', await file('batch-1', 'nope')],
      code: 'BAD_FILE',
    },
    'a batch line without its fields': {
      args: async () => ['prove', model, '--batch', await file('batch-2', '{"prompt":"a"}')],
      code: 'BAD_FILE',
    },
    'a proof file that is not there': {
      args: () => ['verify', join(folder, 'none')],
      code: 'NOT_FOUND',
    },
    'a proof file that is none': {
      args: async () => ['verify', await file('proof-1', '{"format":"x","version":1}')],
      code: 'BAD_FILE',
    },
    'a proof file of another version': {
      args: async () => [
        'verify',
        await file('proof-2', '{"format":"attensor-proof","version":99}'),
      ],
      code: 'UNSUPPORTED_VERSION',
    },
  };

  it.each(Object.keys(cases))('%s: code, exit 1, no stack trace', async (name) => {
    const { args, code } = cases[name];
    const ran = await attensor([...(await args()), '--json']);
    expect(ran.json()).toMatchObject({ error: { code } });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('error: ');
    expect(ran.stderr).not.toMatch(/^\s+at /m);
  });
});

/** Well-formed, and of no proof at all. */
const bogus = (publicOutput: string, inputHash: string) =>
  JSON.stringify({
    format: 'attensor-proof',
    version: 1,
    statement: { modelRoot: '1', vocabularyRoot: '2', inputHash, outputHash: '4' },
    verificationKey: { data: 'AA==', hash: '5' },
    proof: {
      publicInput: ['1', '2', '3', '4'],
      publicOutput: [publicOutput],
      maxProofsVerified: 1,
      proof: 'x',
    },
  });

describe('verify', () => {
  it.each([
    { name: 'another statement', output: '0', input: '33' },
    { name: 'an unfinished run', output: '7', input: '3' },
    { name: 'a key that is none', output: '0', input: '3' },
  ])('ends with 2 for $name', async ({ output, input }) => {
    const ran = await attensor(['verify', await file('bogus', bogus(output, input)), '--json']);
    expect(ran.json()).toMatchObject({ valid: false });
    expect(ran.exitCode).toBe(2);
  });

  it('makes no tables for a file that does not hold by itself', async () => {
    const content = JSON.stringify({
      ...(JSON.parse(bogus('0', '3')) as object),
      format: 'attensor-component-proof',
      component: {
        ...{ kind: 'rope', rows: 2 ** 24, heads: 1, dim: 2 ** 20, theta: 10_000 },
        ...{ logSize: 28, logInvRate: 2, hashingLogInvRate: 2 },
      },
      statement: { component: '1', tensors: '2', weights: '3', tokens: '4' },
    });
    const ran = await attensor(['verify', await file('rope', content), '--check-tables', '--json']);
    expect(ran.json()).toMatchObject({ result: 'invalid', valid: false });
    expect(ran.exitCode).toBe(2);
  });

  it('needs a tokenizer to compare texts', async () => {
    const ran = await attensor([
      ...['verify', await file('bogus', bogus('0', '3')), '--prompt', 'a', '--json'],
    ]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain('--tokenizer');
  });
});

describe('the program', () => {
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const spawn = (...args: string[]) =>
    spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });

  it('verifies without native code, which proving needs', async () => {
    const without = (...args: string[]) =>
      spawnSync(process.execPath, [main, ...args], {
        encoding: 'utf8',
        env: { ...process.env, ATTENSOR_ADDON: 'none' },
      });
    const verified = without('verify', await file('bogus', bogus('0', '3')), '--json');
    expect(JSON.parse(verified.stdout)).toMatchObject({ valid: false });
    expect(verified.status).toBe(2);
    const sizes = ['--rows', '2', '--heads', '1', '--dim', '4'];
    const proved = without('prove-component', 'RoPE1', ...sizes, '--out', join(folder, 'never'));
    expect(proved.stderr).toContain('ATTENSOR_ADDON=none');
    expect(proved.status).toBe(3);
  });

  it('has help for every command', async () => {
    const commands = ['model import', 'model commit', 'generate', 'chat', 'eval'];
    const network = ['deploy', 'submit', 'settle', 'rotate', 'node'];
    const groups = ['attestations list', 'attestations get', 'tx build', 'tx sign', 'tx send'];
    for (const name of [...commands, ...network, ...groups, 'prove', 'verify', 'keys', 'demo']) {
      const ran = await attensor([...name.split(' '), '--help']);
      expect(ran.exitCode).toBe(0);
      expect(ran.stdout).toContain('--json');
    }
  });

  it('says what to do about a GPU that is not there', () => {
    const args = ['generate', model, '--prompt', 'a', '--max-tokens', '1', '--json'];
    const without = (env: Record<string, string>, ...more: string[]) =>
      spawnSync(process.execPath, [main, ...args, ...more], {
        encoding: 'utf8',
        env: { ...process.env, ATTENSOR_CUDA_LIBRARY: '/nowhere.so', ...env },
      });
    for (const ran of [without({}, '--device', 'cuda'), without({ ATTENSOR_DEVICE: 'cuda' })]) {
      expect(ran.status).toBe(1);
      expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: 'DEVICE_MISSING' } });
      expect(ran.stderr).toContain('npm run build:cuda');
      expect(ran.stderr).not.toMatch(/^\s+at /m);
    }
    expect(without({}, '--device', 'auto').status).toBe(0);
  });

  it('exits as it says', () => {
    expect(spawn('--version').status).toBe(0);
    const failed = spawn('generate', 'none', '--prompt', 'a', '--max-tokens', '1', '--json');
    expect(failed.status).toBe(1);
    expect(JSON.parse(failed.stdout)).toHaveProperty('error');
  });
});
