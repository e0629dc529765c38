/** The weights of a checkpoint as doubles: names and shapes checked, block scales of F8 tensors applied. */
import { AttensorError } from '@attensor/core';
import type { ModelConfig } from '../config.js';
import type { Architecture } from './hf-config.js';
import type { PlannedPart, PlannedTensor } from './plan.js';
import type { SafetensorsReader, StoredTensor } from './safetensors.js';

const SCALE = '_scale_inv';
const HEAD = 'lm_head.weight';
const EMBEDDING = 'model.embed_tokens.weight';

export class WeightSource {
  private readonly block: [number, number];

  /** @throws MISSING_TENSOR, EXTRA_TENSOR, BAD_SHAPE, BAD_DTYPE */
  constructor(
    private readonly reader: SafetensorsReader,
    plan: PlannedTensor[],
    architecture: Architecture,
  ) {
    this.block = architecture.scaleBlock ?? [0, 0];
    const expected = new Set<string>();
    for (const part of plan.flatMap((tensor) => tensor.parts)) {
      if (expected.has(part.source)) continue;
      expected.add(part.source);
      const stored = this.require(part.source);
      requireShape(stored, part.sourceShape);
      if (stored.dtype !== 'F8_E4M3') continue;
      if (!architecture.scaleBlock) {
        throw new AttensorError({
          code: 'BAD_CONFIG',
          what: 'F8 weights need quantization_config.weight_block_size in config.json',
          where: `tensor '${part.source}'`,
        });
      }
      const scale = this.require(part.source + SCALE);
      expected.add(scale.name);
      const [rows, columns] = matrixShape(part.sourceShape);
      requireShape(scale, [Math.ceil(rows / this.block[0]), Math.ceil(columns / this.block[1])]);
      if (scale.dtype === 'F8_E4M3') {
        throw new AttensorError({
          code: 'BAD_DTYPE',
          what: 'scales may not be F8',
          where: `tensor '${scale.name}'`,
          expected: 'F32',
          got: scale.dtype,
        });
      }
    }
    const head = reader.tensors.get(HEAD);
    if (architecture.config.tied && head) {
      requireShape(head, this.require(EMBEDDING).shape);
      expected.add(HEAD);
    }
    this.rejectExtra(expected, architecture);
  }

  /**
   * A head that is stored beside the embedding it is tied to has the same values: code may read either.
   *
   * @param rows read at a time
   * @throws BAD_CONFIG
   */
  async requireTied({ tied }: Pick<ModelConfig, 'tied'>, rows: number): Promise<void> {
    const head = this.reader.tensors.get(HEAD);
    if (!tied || !head) return;
    const embedding = this.require(EMBEDDING);
    const [vocabulary, width] = embedding.shape;
    for (let row = 0; row < vocabulary; row += rows) {
      const count = Math.min(rows, vocabulary - row) * width;
      const a = await this.reader.read(embedding, row * width, count);
      const b = await this.reader.read(head, row * width, count);
      const at = a.findIndex((value, i) => value !== b[i]);
      if (at >= 0)
        throw new AttensorError({
          code: 'BAD_CONFIG',
          what: `tensor '${HEAD}' differs from the embedding that tie_word_embeddings ties it to`,
          where: `row ${row + Math.floor(at / width)}, column ${at % width}`,
          expected: String(a[at]),
          got: String(b[at]),
          hint: 'Set tie_word_embeddings to false if the model was trained with a head of its own',
        });
    }
  }

  /** Rows of a checkpoint tensor; of scales, those of their blocks are read. */
  async rows(part: PlannedPart, first: number, count: number): Promise<Float64Array> {
    const stored = this.require(part.source);
    const [, columns] = matrixShape(part.sourceShape);
    const values = await this.reader.read(stored, first * columns, count * columns);
    if (stored.dtype === 'F8_E4M3' && count > 0) {
      const [height, width] = this.block;
      const perRow = Math.ceil(columns / width);
      const top = Math.floor(first / height);
      const blockRows = Math.floor((first + count - 1) / height) - top + 1;
      const scale = this.require(part.source + SCALE);
      const scales = await this.reader.read(scale, top * perRow, blockRows * perRow);
      for (let r = 0; r < count; r++) {
        const scaleRow = (Math.floor((first + r) / height) - top) * perRow;
        for (let i = 0; i < columns; i++) {
          values[r * columns + i] *= scales[scaleRow + Math.floor(i / width)];
        }
      }
    }
    return values;
  }

  private require(name: string): StoredTensor {
    const stored = this.reader.tensors.get(name);
    if (!stored) {
      throw new AttensorError({
        code: 'MISSING_TENSOR',
        what: `the checkpoint has no tensor '${name}'`,
        hint: 'Check that config.json belongs to these weights and all shards are there',
      });
    }
    return stored;
  }

  private rejectExtra(expected: Set<string>, { config, nextnLayers }: Architecture): void {
    for (const [name, stored] of this.reader.tensors) {
      if (expected.has(name)) continue;
      // multi-token prediction layers follow the last layer
      const layer = Number(/^model\.layers\.(\d+)\./.exec(name)?.[1] ?? -1);
      if (layer >= config.layers && layer < config.layers + nextnLayers) continue;
      // a buffer of older code: the frequencies that the configuration gives
      if (layer >= 0 && name.endsWith('.self_attn.rotary_emb.inv_freq')) continue;
      throw new AttensorError({
        code: 'EXTRA_TENSOR',
        what: `tensor '${name}' is not part of the model that config.json describes`,
        where: stored.path,
        hint: 'Check that config.json belongs to these weights',
      });
    }
  }
}

function matrixShape(shape: number[]): [number, number] {
  return [shape[0], shape.slice(1).reduce((a, b) => a * b, 1)];
}

function requireShape(stored: StoredTensor, shape: number[]): void {
  if (stored.shape.join() !== shape.join()) {
    throw new AttensorError({
      code: 'BAD_SHAPE',
      what: `tensor '${stored.name}' has the wrong shape`,
      where: stored.path,
      expected: `[${shape.join(', ')}]`,
      got: `[${stored.shape.join(', ')}]`,
      hint: 'Check that config.json belongs to these weights',
    });
  }
}
