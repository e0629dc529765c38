/** Checkpoints of any configuration with random weights, as Hugging Face has them: BF16, a shard for each layer. */
import { parseHfConfig, planTensors, RandomWeights, type PlannedPart } from '@attensor/inference';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Weights that are drawn at a time. */
const DRAWN = 2 ** 20;
const BYTES = 2;

/**
 * @param config a config.json
 * @returns number of weights
 */
export async function writeCheckpoint(
  dir: string,
  config: Record<string, unknown>,
  seed: number,
): Promise<number> {
  const parts = planTensors(parseHfConfig(config, 'config.json').config).flatMap((t) => t.parts);
  const shards = new Map<string, Map<string, PlannedPart>>();
  for (const part of parts) {
    const layer = /^model\.layers\.(\d+)\./.exec(part.source)?.[1] ?? 'others';
    const name = `layer-${layer}.safetensors`;
    const shard = shards.get(name) ?? new Map<string, PlannedPart>();
    shards.set(name, shard.set(part.source, part));
  }
  await mkdir(dir, { recursive: true });
  const weight_map: Record<string, string> = {};
  let weights = 0;
  for (const [name, shard] of shards) {
    weights += await writeShard(join(dir, name), [...shard.values()], new RandomWeights(seed));
    for (const source of shard.keys()) weight_map[source] = name;
  }
  const index = { metadata: {}, weight_map };
  await writeFile(join(dir, 'model.safetensors.index.json'), JSON.stringify(index));
  await writeFile(join(dir, 'config.json'), JSON.stringify(config));
  return weights;
}

const sizeOf = ({ sourceShape }: PlannedPart): number => sourceShape.reduce((a, b) => a * b, 1);

async function writeShard(
  path: string,
  parts: PlannedPart[],
  source: RandomWeights,
): Promise<number> {
  const header: Record<string, { dtype: 'BF16'; shape: number[]; data_offsets: number[] }> = {};
  let weights = 0;
  for (const part of parts) {
    const begin = BYTES * weights;
    weights += sizeOf(part);
    header[part.source] = {
      dtype: 'BF16',
      shape: part.sourceShape,
      data_offsets: [begin, BYTES * weights],
    };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const file = await open(path, 'w');
  try {
    await file.appendFile(Buffer.concat([length, json]));
    for (const part of parts) {
      const [rows] = part.sourceShape;
      const step = Math.max(1, Math.floor(DRAWN / (sizeOf(part) / rows)));
      for (let row = 0; row < rows; row += step)
        await file.appendFile(bf16(await source.rows(part, row, Math.min(step, rows - row))));
    }
  } finally {
    await file.close();
  }
  return weights;
}

/** The upper halves of single-precision numbers. */
function bf16(values: Float64Array): Buffer {
  const bytes = Buffer.alloc(BYTES * values.length);
  const single = Buffer.alloc(4);
  values.forEach((value, i) => {
    single.writeFloatLE(value);
    bytes.writeUInt16LE(single.readUInt16LE(2), BYTES * i);
  });
  return bytes;
}
