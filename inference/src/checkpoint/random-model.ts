/** Models of any configuration with random weights: for measurements, and to see what a model of some size takes before it is trained. */
import { createCipheriv, createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { readHfConfig } from './hf-config.js';
import {
  requireFree,
  writeModelDirectory,
  type RowSource,
  type WriteOptions,
  type WrittenModel,
} from './model-writer.js';
import { planTensors, type PlannedPart } from './plan.js';

/** Bytes of a block of AES, and of a drawn value. */
const BLOCK = 16;
const DRAWN = 2;

/** Options of `writeRandomModel`. */
export interface RandomModelOptions extends WriteOptions {
  /** The same seed gives the same weights, on every machine. */
  seed: number;
}

/**
 * Writes a model directory with random weights, a few rows at a time. It has no tokenizer: prompts are token ids.
 *
 * @param config path of a Hugging Face config.json
 * @throws NOT_FOUND, BAD_CONFIG, UNSUPPORTED_CONFIG, OUTPUT_EXISTS
 */
export async function writeRandomModel(
  config: string,
  outDir: string,
  options: RandomModelOptions,
): Promise<WrittenModel> {
  const out = resolve(outDir);
  await requireFree(out, options);
  const architecture = await readHfConfig(config);
  const contents = {
    source: new RandomWeights(options.seed),
    plan: planTensors(architecture.config),
    config: architecture.config,
  };
  return writeModelDirectory(out, contents, options);
}

/**
 * Uniform weights. Those of matrices have the variance 1 / columns, so that activations keep their magnitude; gains of norms are between
 * 0.9 and 1.1, and biases between -0.1 and 0.1.
 *
 * A tensor's values are the key stream of AES-256 in counter mode under a key of its own, 16 bits each: any rows can be drawn by
 * themselves.
 */
export class RandomWeights implements RowSource {
  constructor(private readonly seed: number) {}

  rows({ source, sourceShape }: PlannedPart, first: number, count: number): Promise<Float64Array> {
    const [, columns = 1] = sourceShape;
    const drawn = this.draw(source, first * columns, count * columns);
    const [center, reach] = rangeOf(source, sourceShape);
    const values = new Float64Array(drawn.length / DRAWN);
    // the middle of a value's interval of (-1, 1)
    for (let i = 0; i < values.length; i++)
      values[i] = center + reach * ((drawn.readUInt16LE(i * DRAWN) + 0.5) / 32768 - 1);
    return Promise.resolve(values);
  }

  /** The bytes of values `first` to `first + count - 1` of a tensor. */
  private draw(tensor: string, first: number, count: number): Buffer {
    const key = createHash('sha256')
      .update(JSON.stringify([this.seed, tensor]))
      .digest();
    const block = Math.floor((first * DRAWN) / BLOCK);
    const counter = Buffer.alloc(BLOCK);
    counter.writeBigUInt64BE(BigInt(block), BLOCK - 8);
    const skipped = first * DRAWN - block * BLOCK;
    const stream = createCipheriv('aes-256-ctr', key, counter);
    return stream.update(Buffer.alloc(skipped + count * DRAWN)).subarray(skipped);
  }
}

/** Center and reach of a tensor's values. */
function rangeOf(tensor: string, [, columns]: number[]): [number, number] {
  // a uniform value of reach r has the variance r^2 / 3
  if (columns) return [0, Math.sqrt(3 / columns)];
  return tensor.endsWith('norm.weight') ? [1, 0.1] : [0, 0.1];
}
