/** Checkpoints for tests: those of the repository, and altered copies of the smallest in temporary folders. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importCheckpoint } from '../checkpoint/import.js';
import { AttensorError } from '@attensor/core';
import { Model } from '../model.js';

export type Checkpoint =
  'tiny' | 'tiny-fp8' | 'nano' | `family/${'v3' | 'moonlight' | 'kimi-k2' | 'v2-lite' | 'v2'}`;

export function checkpointDir(name: Checkpoint): string {
  return fileURLToPath(new URL(`../../../models/${name}`, import.meta.url));
}

/** Runs with a temporary folder that is removed afterwards. */
export async function withTempDir<T>(run: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-inference-'));
  try {
    return await run(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

export async function withModel<T>(
  name: Checkpoint,
  run: (model: Model) => Promise<T>,
): Promise<T> {
  return withTempDir(async (dir) => {
    await importCheckpoint(checkpointDir(name), join(dir, 'model'));
    return run(await Model.open(join(dir, 'model')));
  });
}

/** A tensor of a safetensors file as written. */
export interface RawTensor {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}

export type RawTensors = Map<string, RawTensor>;

export async function readSafetensors(path: string): Promise<RawTensors> {
  const file = await readFile(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length)) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  delete header.__metadata__;
  const tensors: RawTensors = new Map();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    const [begin, end] = data_offsets;
    const bytes = new Uint8Array(file.subarray(8 + length + begin, 8 + length + end));
    tensors.set(name, { dtype, shape, bytes });
  }
  return tensors;
}

/** @param edit changes the header before it is written. */
export function safetensors(
  tensors: RawTensors,
  edit: (header: Record<string, { data_offsets: number[] }>) => void = () => {},
): Uint8Array {
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }> = {};
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + bytes.length] };
    at += bytes.length;
  }
  edit(header);
  const json = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([prefix, json, ...[...tensors.values()].map((t) => t.bytes)]);
}

export interface NanoEdits {
  config?: (config: Record<string, unknown>) => void;
  tensors?: (tensors: RawTensors) => void;
  header?: (header: Record<string, { data_offsets: number[] }>) => void;
  file?: (file: Uint8Array) => Uint8Array;
}

/** Writes an altered copy of the nano checkpoint. */
export async function writeNano(dir: string, edits: NanoEdits = {}): Promise<void> {
  await cp(checkpointDir('nano'), dir, { recursive: true });
  const configPath = join(dir, 'config.json');
  const config = JSON.parse(await readFile(configPath, 'utf8')) as Record<string, unknown>;
  edits.config?.(config);
  await writeFile(configPath, JSON.stringify(config));
  const path = join(dir, 'model.safetensors');
  const tensors = await readSafetensors(path);
  edits.tensors?.(tensors);
  const file = safetensors(tensors, edits.header);
  await writeFile(path, edits.file?.(file) ?? file);
}

/** float32 values as a raw tensor. */
export function f32(shape: number[], values: number[]): RawTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(new Float32Array(values).buffer) };
}

/** The error a promise is rejected with. */
export async function failure(promise: Promise<unknown> | (() => unknown)): Promise<AttensorError> {
  try {
    await (typeof promise === 'function' ? promise() : promise);
  } catch (error) {
    if (error instanceof AttensorError) return error;
    throw error;
  }
  throw new Error('expected a failure');
}

/** Deterministic random integers. */
export function random(seed: number): (low: number, high: number) => number {
  let state = seed >>> 0;
  const next = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return (low, high) => low + Math.floor(next() * (high - low + 1));
}
