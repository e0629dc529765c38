/**
 * `npm run bench -- memory`: peak memory of import, commitment, run and the proof of one unit, for models of more and more layers. Each
 * stage is a process of its own; what it takes may not grow with the model.
 */
import type { Command } from 'commander';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { computing, type Context, type Session, works } from '@attensor/cli/frame';
import { AttensorError } from '@attensor/core';
import type { Stage, StageReport, StageRequest } from './memory-process.js';
import { table } from './table.js';

const PROCESS = fileURLToPath(new URL('./memory-process.js', import.meta.url));
const MEASURED: Stage[] = ['import', 'commit', 'run', 'unit'];
const LAYERS = '8,16,32';
const UNIT_LAYERS = 2;
/** Of what the weights grow by, on disk: more than that, and a stage holds the model. */
const MOST_GROWTH = 1 / 4;

/** Small, but for its experts: 3.5 million weights a layer. */
const configOf = (layers: number): Record<string, unknown> => ({
  ...{ architectures: ['DeepseekV3ForCausalLM'], model_type: 'deepseek_v3' },
  ...{ vocab_size: 4096, hidden_size: 256, num_hidden_layers: layers, num_attention_heads: 4 },
  ...{ q_lora_rank: 128, kv_lora_rank: 64 },
  ...{ qk_nope_head_dim: 32, qk_rope_head_dim: 16, v_head_dim: 32 },
  ...{ intermediate_size: 512, moe_intermediate_size: 128, n_routed_experts: 32 },
  ...{ n_shared_experts: 1, n_group: 4, topk_group: 2, num_experts_per_tok: 2 },
  ...{ first_k_dense_replace: 0, hidden_act: 'silu', rms_norm_eps: 1e-6, rope_theta: 10_000 },
  ...{ rope_scaling: null, scoring_func: 'sigmoid', topk_method: 'noaux_tc' },
  ...{ norm_topk_prob: true, routed_scaling_factor: 2.5, max_position_embeddings: 64 },
  ...{ bos_token_id: 1, eos_token_id: 2 },
});

interface MeasuredModel {
  layers: number;
  weights: number;
  diskBytes: number;
  units: number;
  stages: Record<string, StageReport>;
}

interface Growth {
  stage: Stage;
  /** from the smallest model to the largest */
  bytes: number;
  bounded: boolean;
}

export function benchMemoryCommand(session: Session): Command {
  return computing('memory', 'Measure peak memory of models with more and more layers')
    .option('--layers <list>', 'numbers of layers', LAYERS)
    .option(
      '--work <dir>',
      'folder for the models, some 10 bytes a weight; default: a temporary one',
    )
    .addHelpText(
      'after',
      '\nJSON: {models: [{layers, weights, diskBytes, units, stages}], growth: [{stage, bytes, bounded}]}; exit code 1 if a stage grows.',
    )
    .action(
      works<{ layers: string; work?: string }>(session, async (context, options) => {
        const models: MeasuredModel[] = [];
        for (const layers of parseLayers(options.layers))
          models.push(await measure(layers, options.work ?? tmpdir(), context));
        const growth = growthOf(models);
        return {
          json: { models, growth },
          text: `${shown(models)}\n${growth.map(sentence(models)).join('\n')}`,
          exitCode: growth.every(({ bounded }) => bounded) ? 0 : 1,
        };
      }),
    );
}

function parseLayers(list: string): number[] {
  const layers = list.split(',').map(Number);
  if (layers.length < 2 || layers.some((n) => !Number.isInteger(n) || n <= UNIT_LAYERS))
    throw new AttensorError({
      code: 'USAGE',
      what: 'there are no such numbers of layers',
      where: '--layers',
      expected: `at least two, each above ${UNIT_LAYERS}`,
      got: list,
    });
  return layers.sort((a, b) => a - b);
}

async function measure(layers: number, work: string, { output }: Context): Promise<MeasuredModel> {
  const dir = await mkdtemp(join(work, `attensor-memory-${layers}-`));
  const run = async (stage: Stage): Promise<StageReport> => {
    output.log(`${layers} layers: ${stage}`);
    const config = configOf(layers);
    const request: StageRequest = { stage, dir, config, unitLayers: UNIT_LAYERS };
    const { stdout } = await promisify(execFile)(process.execPath, [
      PROCESS,
      JSON.stringify(request),
    ]);
    return JSON.parse(stdout) as StageReport;
  };
  try {
    const { weights = 0 } = await run('checkpoint');
    const stages: Record<string, StageReport> = {};
    for (const stage of MEASURED) stages[stage] = await run(stage);
    const { diskBytes = 0 } = stages.import;
    const { units = 0 } = stages.commit;
    return { layers, weights, diskBytes, units, stages };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function growthOf(models: MeasuredModel[]): Growth[] {
  const [first, last] = [models[0], models[models.length - 1]];
  const allowed = MOST_GROWTH * (last.diskBytes - first.diskBytes);
  return MEASURED.map((stage) => {
    const bytes = last.stages[stage].peakBytes - first.stages[stage].peakBytes;
    return { stage, bytes, bounded: bytes <= allowed };
  });
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

function shown(models: MeasuredModel[]): string {
  const head = ['layers', 'weights', 'MiB on disk', 'units'];
  const lines = models.map(({ layers, weights, diskBytes, units, stages }) => [
    ...[String(layers), `${(weights / 1e6).toFixed(0)} M`, mebibytes(diskBytes), String(units)],
    ...MEASURED.map((stage) => {
      const { peakBytes, seconds } = stages[stage];
      return `${mebibytes(peakBytes)}; ${seconds.toFixed(0)}`;
    }),
  ]);
  return table([[...head, ...MEASURED.map((stage) => `${stage}: MiB; s`)], ...lines]);
}

const sentence =
  (models: MeasuredModel[]) =>
  ({ stage, bytes, bounded }: Growth): string => {
    const weights = models[models.length - 1].diskBytes - models[0].diskBytes;
    const verdict = bounded ? '' : ' GROWS';
    return `${stage}: ${mebibytes(bytes)} MiB more, the weights ${mebibytes(weights)} MiB${verdict}`;
  };
