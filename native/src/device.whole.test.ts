/**
 * The engine's tests once more, with everything on a device: the emulated one, which runs the GPU's kernels on the
 * CPU. Importing a test file registers its tests here.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DeviceInfo, Expression } from './engine.js';
import { engine } from './prover.js';
import { EMULATED, Random } from './testing.js';

const built = (name: string) => fileURLToPath(new URL(`../build/${name}`, import.meta.url));
const emulated = built('attensor_cuda_emulated.so');
const real = built('attensor_cuda.so');
const kernels = built('Release/attensor_cuda_test');

describe('kernels of the device', () => {
  test('equal the CPU’s, on the emulation', () => {
    expect(execFileSync(kernels, [emulated], { encoding: 'utf8' })).toContain('all passed');
  });

  test('equal the CPU’s, on a GPU where there is one', () => {
    if (!existsSync(real)) return;
    const { status, stdout } = spawnSync(kernels, [real], { encoding: 'utf8' });
    // 2: no GPU
    expect([0, 2]).toContain(status);
    expect(stdout).toMatch(status === 2 ? 'no device' : 'all passed');
  });

  test.each(['1', '100'])('the engine without Node, work from %s elements on', (least) => {
    const out = execFileSync(built('Release/kernels_test'), {
      env: {
        ...process.env,
        ATTENSOR_DEVICE: 'cuda',
        ATTENSOR_CUDA_LIBRARY: emulated,
        ATTENSOR_DEVICE_LEAST: least,
      },
      encoding: 'utf8',
    });
    expect(out).toContain('all passed');
  });
});

describe('the benchmark', () => {
  test('runs on the emulation', () => {
    const bench = built('Release/attensor_cuda_bench');
    const out = execFileSync(bench, [emulated, '--quick'], { encoding: 'utf8' });
    for (const line of ['Poseidon', 'NTT', 'fold', 'sumcheck', 'commitment', 'product'])
      expect(out).toMatch(new RegExp(`^\\| ${line}`, 'm'));
  });
});

describe('choosing a device', () => {
  /** In a process of its own: a library stays open. */
  const run = (code: string, env: Record<string, string>) => {
    const module = new URL('./prover.js', import.meta.url).href;
    const script = `import { engine } from ${JSON.stringify(module)};
      const show = (x) => console.log(JSON.stringify(x));
      try { ${code} } catch (e) { show({ code: e.code, message: e.message }); }`;
    const args = ['--input-type=module', '-e', script];
    const out = execFileSync(process.execPath, args, {
      env: { ...process.env, ATTENSOR_CUDA_LIBRARY: emulated, ...env },
      encoding: 'utf8',
    });
    return JSON.parse(out) as Record<string, unknown>;
  };
  const dot = `const v = engine.fromInts(new Int32Array(5000).fill(3));
    show({ dot: String(await engine.dot(v, v)), kind: engine.device().kind });`;
  const onCpu = { dot: '45000', kind: 'cpu' };
  const onDevice = { dot: '45000', kind: 'cuda' };

  test('auto takes the device, or the CPU without a word', () => {
    expect(run(dot, {})).toEqual(onDevice);
    expect(run(dot, { ATTENSOR_DEVICE: 'cpu' })).toEqual(onCpu);
    expect(run(dot, { ATTENSOR_EMULATION: 'missing' })).toEqual(onCpu);
    expect(run(dot, { ATTENSOR_CUDA_LIBRARY: '/nowhere.so' })).toEqual(onCpu);
    expect(run('show(engine.device())', { ATTENSOR_EMULATION: 'missing' })).toMatchObject({
      reason: expect.stringContaining('no device'),
    });
  });

  test('cuda without a device is an error that says what to do', () => {
    const missing: Record<string, string>[] = [
      { ATTENSOR_EMULATION: 'missing' },
      { ATTENSOR_CUDA_LIBRARY: '/nowhere.so' },
    ];
    for (const env of missing) {
      expect(run(`engine.setDevice('cuda')`, env)).toMatchObject({
        code: 'DEVICE_MISSING',
        message: expect.stringContaining('npm run build:cuda'),
      });
      expect(run(dot, { ...env, ATTENSOR_DEVICE: 'cuda' })).toMatchObject({
        code: 'DEVICE_MISSING',
      });
    }
    expect(run(`engine.setDevice('gpu')`, {})).toMatchObject({ code: 'OUT_OF_RANGE' });
    expect(run(dot, { ATTENSOR_DEVICE_MEMORY: 'much' })).toMatchObject({ code: 'OUT_OF_RANGE' });
  });

  test('without device memory: the CPU for auto, an error for cuda', () => {
    for (const after of ['0', '1', '2', '3', '4', '5', '6']) {
      const env = { ATTENSOR_EMULATION_FAIL_AFTER: after, ATTENSOR_DEVICE_LEAST: '1' };
      expect(run(dot, env)).toEqual(onDevice);
    }
    const none = { ATTENSOR_EMULATION_FAIL_AFTER: '0', ATTENSOR_DEVICE_LEAST: '1' };
    expect(run(dot, { ...none, ATTENSOR_DEVICE: 'cuda' })).toMatchObject({
      code: 'DEVICE_OUT_OF_MEMORY',
    });
    expect(
      run(dot, {
        ATTENSOR_DEVICE_MEMORY: '1K',
        ATTENSOR_DEVICE: 'cuda',
        ATTENSOR_DEVICE_LEAST: '1',
      }),
    ).toMatchObject({ code: 'DEVICE_OUT_OF_MEMORY' });
  });

  test('a device that breaks is an error, never a wrong result', () => {
    const code = `
      const v = engine.fromInts(new Int32Array(64).fill(3));
      const seen = [];
      for (let i = 0; i < 3; i++) {
        try { seen.push(String(await engine.dot(v, v))); } catch (e) { seen.push(e.code); }
      }
      const w = engine.fromInts(new Int32Array(64).fill(2));
      seen.push(String(await engine.dot(w, w)));
      show({ seen });`;
    const env = { ATTENSOR_DEVICE_LEAST: '1' };
    expect(run(code, env)).toEqual({ seen: ['576', '576', '576', '256'] });
    // a launch for the integers, two for a product: the second product fails, and the vector is lost
    expect(run(code, { ...env, ATTENSOR_EMULATION_BREAK_AFTER: '3' })).toEqual({
      seen: ['576', 'DEVICE_FAILED', 'DEVICE_FAILED', '256'],
    });
    expect(
      run(code, { ...env, ATTENSOR_EMULATION_BREAK_AFTER: '3', ATTENSOR_DEVICE: 'cuda' }),
    ).toMatchObject({ code: 'DEVICE_FAILED' });
  });

  test('a codeword too large for the device is encoded and hashed two rows at a time', () => {
    const code = `
      const v = engine.fromInts(Int32Array.from({ length: 21 * 64 }, (_, i) => i * i + 1));
      const c = await engine.commit(v, { logInvRate: 3, logRow: 6, logCap: 1 });
      show({ cap: c.cap.map(String), leaf: c.open(300).leaf.map(String) });`;
    const expected = run(code, { ATTENSOR_DEVICE: 'cpu' });
    // the codeword alone takes 336 KiB; the CPU doing it instead would be an error
    const env = { ATTENSOR_DEVICE: 'cuda', ATTENSOR_DEVICE_LEAST: '1' };
    expect(run(code, { ...env, ATTENSOR_DEVICE_MEMORY: '200K' })).toEqual(expected);
    expect(run(code, { ...env, ATTENSOR_DEVICE_MEMORY: '60K' })).toMatchObject({
      code: 'DEVICE_OUT_OF_MEMORY',
    });
  });

  test('a model’s kernel without device memory', () => {
    const module = JSON.stringify(new URL('./model.js', import.meta.url).href);
    const code = `const { constant, gemm, residentBytes } = await import(${module});
      const x = new BigInt64Array(200).fill(3n), w = constant(new Int32Array(400).fill(5 << 16));
      const { y } = await gemm(x, w, { rows: 10, inner: 20, outer: 20 });
      show({ y: String(y[7]), resident: residentBytes() });`;
    const y = '300';
    const all = { ATTENSOR_DEVICE_LEAST: '1' };
    expect(run(code, all)).toEqual({ y, resident: 1600 });
    expect(run(code, {})).toEqual({ y, resident: 0 });
    const little = { ...all, ATTENSOR_DEVICE_MEMORY: '3K' };
    expect(run(code, little)).toEqual({ y, resident: 0 });
    expect(run(code, { ...little, ATTENSOR_DEVICE: 'cuda' })).toMatchObject({
      code: 'DEVICE_OUT_OF_MEMORY',
    });
    const enough = { ...all, ATTENSOR_DEVICE_MEMORY: '4K', ATTENSOR_DEVICE: 'cuda' };
    expect(run(code, enough)).toEqual({ y, resident: 1600 });
  });

  test('every step of a proof survives the memory running out in it', () => {
    const code = `
      const shape = (n) => engine.fromInts(Int32Array.from({ length: n }, (_, i) => i * i + 1));
      const v = shape(64), w = shape(64);
      const tree = await engine.fractions(v, w);
      tree.beginLayer(3, [5n, 6n, 7n], 2n);
      const messages = [tree.root(), await tree.round()];
      await tree.bind(9n);
      messages.push(await tree.round());
      const s = engine.sumcheck([v, w], { columns: 2, constants: [], ops: [[2, 0, 1]], degree: 2 });
      messages.push(await s.round());
      await s.bind(3n);
      messages.push(await s.round());
      const c = await engine.commit(v, { logInvRate: 1, logRow: 4, logCap: 1 });
      messages.push(c.cap, c.open(3).leaf, c.open(3).path);
      const t = await engine.commitTree(v, { logInvRate: 1, logRow: 4 });
      messages.push([t.root], t.open(3).leaf, t.open(3).path.flat());
      await engine.addEq(v, 0, 3n, [1n, 2n, 3n]);
      await engine.addPows(v, [1n, 2n], [3n, 4n]);
      v.axpy(8, 2n, w.slice(0, 8));
      messages.push(v.toBigints(), [await engine.evalMle(v, [1n, 2n, 3n, 4n, 5n, 6n])]);
      const axes = [{ size: 8, stride: 8 }, { size: 8, stride: 1, weights: w.slice(0, 8) }];
      messages.push((await engine.contract(v, 0, axes)).toBigints());
      show({ messages: messages.map((m) => m.map(String)) });`;
    const expected = run(code, { ATTENSOR_DEVICE: 'cpu' });
    expect(expected.messages).toHaveLength(14);
    for (let after = 0; after < 60; after += 3) {
      const env = { ATTENSOR_EMULATION_FAIL_AFTER: `${after}`, ATTENSOR_DEVICE_LEAST: '1' };
      expect(run(code, env)).toEqual(expected);
    }
  });
});

describe('on the emulated device', () => {
  test('it is in use, and gives its memory back', async () => {
    const random = new Random(7);
    const v = engine.fromBigints(random.fields(100));
    const before = engine.device();
    expect(before).toMatchObject({ kind: 'cuda', name: EMULATED });
    await engine.evalMle(v.slice(0, 64), random.fields(6));
    const { used } = engine.device();
    expect(used).toBe((before.used ?? 0) + 3200);
    v.set(0, 1n);
    expect(v.get(0)).toBe(1n);
  });

  test('between steps nothing but messages comes back', async () => {
    const random = new Random(8);
    const [a, b] = [engine.fromBigints(random.fields(256)), engine.fromBigints(random.fields(256))];
    const since = (before: DeviceInfo) => {
      const { uploaded = 0, downloaded = 0 } = engine.device();
      return [uploaded - (before.uploaded ?? 0), downloaded - (before.downloaded ?? 0)];
    };
    const product: Expression = { columns: 2, constants: [], ops: [[2, 0, 1]], degree: 2 };
    let before = engine.device();
    const sumcheck = engine.sumcheck([a, b], product);
    await sumcheck.round();
    // two columns of 256, and two values
    expect(since(before)).toEqual([2 * 256 * 32, 2 * 32]);
    before = engine.device();
    for (let round = 1; round < 8; round++) {
      await sumcheck.bind(random.field());
      await sumcheck.round();
    }
    expect(since(before)).toEqual([0, 7 * 2 * 32]);
    before = engine.device();
    const commitment = await engine.commit(a, { logInvRate: 1, logRow: 5, logCap: 2 });
    expect(commitment.cap).toHaveLength(4);
    // the cap, and the element that is waited for
    expect(since(before)).toEqual([0, 4 * 32 + 32]);
    before = engine.device();
    const { leaf, path } = commitment.open(5);
    // a leaf of 8 entries by their indices
    expect(since(before)).toEqual([8 * 8, (leaf.length + path.length) * 32]);
  });

  test('calls from many threads', async () => {
    const random = new Random(9);
    const v = engine.fromBigints(random.fields(1 << 10));
    const point = random.fields(10);
    const expected = await engine.evalMle(v, point);
    const table = engine.eqTable(point);
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, i) =>
        i % 3 === 0
          ? engine.evalMle(v, point)
          : i % 3 === 1
            ? engine.dot(v, table)
            : engine
                .contract(v, 0, [{ size: 1 << 10, stride: 1, weights: table }])
                .then((x) => x.get(0)),
      ),
    );
    expect(new Set(results)).toEqual(new Set([expected]));
  });
});

// At the top level, so that they hold for the tests of the other files.
beforeAll(() => engine.setDevice('cuda', { library: emulated, least: 1 }));
afterAll(() => engine.setDevice('cpu'));
await import('./vec.test.js');
await import('./tables.test.js');
await import('./sumcheck.test.js');
await import('./fractions.test.js');
await import('./poseidon.test.js');
await import('./commit.test.js');
await import('./committed-tree.test.js');
