/** Scaling: the axis that is only planned, its plot, and the prediction. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '@attensor/cli/frame';
import { capture } from '@attensor/cli/testing';
import { benchProgram } from './program.js';

const bench = (args: string[]) => capture((streams) => runProgram(benchProgram, args, streams));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'attensor-plots-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Report {
  series: {
    points: { size: number; rows: number }[];
    laws: Record<string, { exponent: number }>;
  }[];
}

it('plans layers, fits exponents, and plots them', async () => {
  const ran = await bench([
    ...['scaling', '--quick', '--only', 'layers'],
    ...['--plots', folder, '--json'],
  ]);
  expect(ran.exitCode).toBe(0);
  const [{ points, laws }] = (ran.json() as unknown as Report).series;
  expect(points.map((p) => p.size)).toEqual([2, 4, 6, 8]);
  // a layer costs the verifier a few columns
  expect(laws.rows.exponent).toBeGreaterThan(0);
  expect(laws.rows.exponent).toBeLessThan(0.5);
  expect(await readdir(folder)).toEqual(['scaling-layers.svg']);
  const svg = await readFile(join(folder, 'scaling-layers.svg'), 'utf8');
  // three panels: a circle for each point, and the names' and exponents' ones
  expect(svg.match(/<circle/g)).toHaveLength(3 * (4 + 1) + 1);
  expect(svg).toContain(`exponent ${laws.rows.exponent.toFixed(2)}`);
  expect(svg).not.toMatch(/NaN|undefined/);
});

it('predicts DeepSeek-V3 on three machines', async () => {
  const ran = await bench(['scaling', '--model', 'deepseek-v3', '--json']);
  expect(ran.exitCode).toBe(0);
  const { layers, rates, predictions } = ran.json() as unknown as {
    layers: { kind: string; circuits: number }[];
    rates: object[];
    predictions: { nativeSeconds: number }[][];
  };
  expect(layers.map((l) => l.kind)).toEqual(['embedding', 'dense', 'moe', 'head', 'model']);
  expect(rates).toHaveLength(3);
  expect(predictions.flat().every((p) => p.nativeSeconds > 0)).toBe(true);
});

it('refuses plots into no folder', async () => {
  const ran = await bench(['scaling', '--plots', join(folder, 'none'), '--json']);
  expect(ran.exitCode).toBe(1);
  expect(ran.json()).toMatchObject({ error: { code: 'NOT_FOUND' } });
});
