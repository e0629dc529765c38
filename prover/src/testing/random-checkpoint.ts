/** Checkpoints of any configuration with seeded random weights, for tests: as Hugging Face has them, without a tokenizer. */
import { parseHfConfig, planTensors } from '@attensor/inference';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Sample } from '../units/sample.js';

const ONE = 65536;

/** @param config a config.json */
export async function writeRandomCheckpoint(
  dir: string,
  config: Record<string, unknown>,
  seed: number,
): Promise<void> {
  const random = new Sample(seed);
  const planned = planTensors(parseHfConfig(config, 'config.json').config);
  const shapes = new Map(
    planned.flatMap(({ parts }) => parts.map((part) => [part.source, part.sourceShape] as const)),
  );
  const header: Record<string, { dtype: 'F32'; shape: number[]; data_offsets: number[] }> = {};
  const data: Uint8Array[] = [];
  let at = 0;
  for (const [name, shape] of shapes) {
    const { data: ints } = shape.length === 1 ? random.gains(shape) : random.weights(shape);
    // ten times as large as usual: few layers, and yet no two logits are near each other
    const scale = shape.length === 1 ? ONE : ONE / 10;
    const bytes = new Uint8Array(new Float32Array(Array.from(ints, (v) => v / scale)).buffer);
    header[name] = { dtype: 'F32', shape, data_offsets: [at, (at += bytes.length)] };
    data.push(bytes);
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, 'model.safetensors'), Buffer.concat([length, json, ...data]));
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
}
