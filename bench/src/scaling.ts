/**
 * `npm run bench -- scaling`: native cost and circuits against rows, dim, tokens and layers, with fitted exponents; and, from the same
 * counts, what DeepSeek-V3 would take. Circuits are planned, not proved.
 */
import type { ModelConfig } from '@attensor/inference';
import type { Component } from '@attensor/prover';
import { Option, type Command } from 'commander';
import { access, constants, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { computing, positiveInteger, works, type Context, type Session } from '@attensor/cli/frame';
import { AttensorError, present } from '@attensor/core';
import { writeAtomic } from '@attensor/core/files';
import { logLogPlot } from './plot.js';
import { table } from './table.js';
import type { LayerCost, Prediction, Rates } from './scaling/deepseek-v3.js';
import { fitPower, type PowerLaw } from './scaling/fit.js';

interface Options {
  quick?: boolean;
  plots?: string;
  only?: Axis;
  model?: string;
  tokens: number;
  partLog: string;
}

const AXES = ['rows', 'dim', 'tokens', 'layers'] as const;
type Axis = (typeof AXES)[number];

/** One size that was tried. */
interface Point {
  size: number;
  /** Native part of a proof, weights committed; absent where it is only planned. */
  seconds?: number;
  /** The same by the clocks of all its threads: other work on the machine shows less. */
  cpuSeconds?: number;
  predictedSeconds: number;
  permutations: number;
  circuits: number;
  /** of all circuits */
  rows: number;
}

const COSTS = ['cpuSeconds', 'predictedSeconds', 'permutations', 'rows'] as const;
type Cost = (typeof COSTS)[number];
const COST_TITLES: Record<Cost, string> = {
  cpuSeconds: 'native part, CPU s',
  predictedSeconds: 'native part, s (predicted)',
  permutations: 'permutations',
  rows: 'rows of the circuits',
};

interface Series {
  axis: Axis;
  name: string;
  points: Point[];
  laws: Partial<Record<Cost, PowerLaw>>;
}

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** What grows along each axis, whole and with --quick. */
const SIZES: Record<Axis, Record<'whole' | 'quick', number[]>> = {
  rows: { whole: [8, 16, 32, 64], quick: [2, 4, 8, 16] },
  dim: { whole: [512, 1024, 2048, 4096], quick: [64, 128, 256, 512] },
  tokens: { whole: [8, 16, 32, 64], quick: [4, 8, 16, 32] },
  layers: { whole: [2, 4, 6, 8, 12], quick: [2, 4, 6, 8] },
};
const COMPONENTS = {
  rows: { dim: { whole: 1536, quick: 128 }, outer: { whole: 512, quick: 64 } },
  dim: { rows: { whole: 24, quick: 4 }, outer: { whole: 512, quick: 64 } },
} as const;
const CHECKPOINT = { whole: 'tiny', quick: 'nano' } as const;
/** Capacity of the models whose layers grow. */
const LAYERS_CAPACITY = 16;

export function benchScalingCommand(session: Session): Command {
  return computing(
    'scaling',
    'Measure cost against rows, dim, tokens and layers, or predict DeepSeek-V3',
  )
    .option('--quick', 'smaller sizes')
    .addOption(new Option('--only <axis>', 'one axis').choices(AXES))
    .option('--plots <dir>', 'write a plot per axis: scaling-<axis>.svg')
    .addOption(
      new Option('--model <name>', 'predict a whole model instead').choices(['deepseek-v3']),
    )
    .option('--tokens <n>', 'with --model: tokens of prompt and output', positiveInteger, 24)
    .addOption(
      new Option('--part-log <n>', 'with --model: log2 of the vectors that hold the weights')
        .choices(['27', '28'])
        .default('28'),
    )
    .addHelpText(
      'after',
      '\nCircuits are planned, not proved. JSON: {series: [{axis, name, points, laws}]}; with --model {layers, rates, predictions}.',
    )
    .action(
      works<Options>(session, async (context, options) =>
        options.model === undefined
          ? await scaling(options, context)
          : await prediction(options, context),
      ),
    );
}

async function scaling({ quick, plots, only }: Options, { output }: Context) {
  if (plots !== undefined) await requireFolder(plots);
  const scale = quick ? 'quick' : 'whole';
  const series: Series[] = [];
  for (const axis of AXES.filter((a) => only === undefined || a === only)) {
    const add = async (name: string, measure: (size: number) => Promise<Point>): Promise<void> => {
      const points: Point[] = [];
      for (const size of SIZES[axis][scale]) {
        output.log(`${axis} ${size}: ${name}`);
        points.push(await measure(size));
      }
      series.push({ axis, name, points, laws: lawsOf(points) });
    };
    await MEASURES[axis](scale, add);
  }
  for (const axis of plots === undefined ? [] : AXES) {
    const own = series.filter((s) => s.axis === axis);
    if (own.length > 0)
      await writeAtomic(
        join(present(plots, 'the folder of plots'), `scaling-${axis}.svg`),
        plot(axis, own),
      );
  }
  return { json: { series }, text: `${pointTable(series)}\n\n${lawTable(series)}` };
}

type Scale = 'whole' | 'quick';
type Add = (name: string, measure: (size: number) => Promise<Point>) => Promise<void>;

const MEASURES: Record<Axis, (scale: Scale, add: Add) => Promise<void>> = {
  async rows(scale, add) {
    const { componentByName } = await import('@attensor/prover');
    const { dim, outer } = COMPONENTS.rows;
    const [d, o] = [dim[scale], outer[scale]];
    await add(`RMSNorm, dim ${d}`, (rows) =>
      measureComponent(componentByName('q_norm', { rows, dim: d }), rows),
    );
    await add(`GeMM, ${d} to ${o}`, (rows) =>
      measureComponent(componentByName('wkv_a1', { rows, inner: d, outer: o }), rows),
    );
  },
  async dim(scale, add) {
    const { componentByName } = await import('@attensor/prover');
    const { rows, outer } = COMPONENTS.dim;
    const [r, o] = [rows[scale], outer[scale]];
    await add(`RMSNorm, ${r} rows`, (dim) =>
      measureComponent(componentByName('attn_norm', { rows: r, dim }), dim),
    );
    await add(`GeMM, ${r} rows to ${o}`, (inner) =>
      measureComponent(componentByName('wkv_a1', { rows: r, inner, outer: o }), inner),
    );
  },
  async tokens(scale, add) {
    const name = CHECKPOINT[scale];
    await withModel(name, (dir) => add(name, (capacity) => measureModel(dir, capacity)));
  },
  async layers(scale, add) {
    const { planModel } = await import('@attensor/prover/planning');
    const { measuredRates } = await import('./scaling/deepseek-v3.js');
    const { permutation } = await measuredRates();
    const name = CHECKPOINT[scale];
    const plan = (config: ModelConfig) =>
      add(`${name} with more layers, ${LAYERS_CAPACITY} tokens`, async (layers) => {
        const planned = await planModel({ ...config, layers }, LAYERS_CAPACITY);
        return {
          size: layers,
          predictedSeconds: planned.nativeSeconds(permutation),
          ...counts(planned.permutations, planned.rows),
        };
      });
    await withModel(name, async (_, config) => await plan(config));
  },
};

const counts = (permutations: number, rows: number[]) => ({
  permutations,
  circuits: rows.length,
  rows: rows.reduce((a, b) => a + b, 0),
});

/** Wall and CPU seconds. */
async function timed(work: () => Promise<unknown>): Promise<Pick<Point, 'seconds' | 'cpuSeconds'>> {
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
}

async function measureComponent(component: Component, size: number): Promise<Point> {
  const { planComponent, estimate, Sample } = await import('@attensor/prover');
  const { measuredRates } = await import('./scaling/deepseek-v3.js');
  const prover = await planComponent(component);
  const { permutation } = await measuredRates();
  const { nativeSeconds: predictedSeconds, permutations } = await estimate(prover, { permutation });
  const { inputs, weights } = component.sample(new Sample(1));
  const committed = await prover.commitWeights(weights);
  const time = await timed(() => prover.messages(inputs, committed));
  committed.parameters?.dispose();
  return { size, ...time, predictedSeconds, ...counts(permutations, prover.rows) };
}

/** Imports one of the checkpoints that come with the repository, for as long as `use` runs. */
export async function withModel<T>(
  name: string,
  use: (dir: string, config: ModelConfig) => Promise<T>,
): Promise<T> {
  const { importCheckpoint, Model } = await import('@attensor/inference');
  const folder = await mkdtemp(join(tmpdir(), 'attensor-scaling-'));
  try {
    const dir = join(folder, 'model');
    await importCheckpoint(join(REPOSITORY, 'models', name), dir);
    return await use(dir, (await Model.open(dir)).config);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureModel(dir: string, capacity: number): Promise<Point> {
  const { commitModel, InferenceProver } = await import('@attensor/prover');
  const { planModel } = await import('@attensor/prover/planning');
  const { measuredRates } = await import('./scaling/deepseek-v3.js');
  const { engine } = await import('@attensor/native');
  const { generate, Model } = await import('@attensor/inference');
  const model = await Model.open(dir);
  await commitModel(engine, model, { capacity });
  const prover = await InferenceProver.load(dir);
  await prover.openModel();
  const promptIds = [model.config.bos ?? 0];
  const request = { promptIds, outputIds: await generate(model, promptIds, capacity - 1) };
  const time = await timed(() => prover.messages(request));
  const planned = await planModel(model.config, capacity);
  return {
    size: capacity,
    ...time,
    predictedSeconds: planned.nativeSeconds((await measuredRates()).permutation),
    ...counts(planned.permutations, planned.rows),
  };
}

function lawsOf(points: Point[]): Series['laws'] {
  return Object.fromEntries(
    COSTS.flatMap((cost) => {
      const pairs = points.flatMap((p): [number, number][] => {
        const value = p[cost];
        return value === undefined ? [] : [[p.size, value]];
      });
      return pairs.length === points.length ? [[cost, fitPower(pairs)]] : [];
    }),
  );
}

/** CPU seconds as measured where they were, else as predicted; permutations; rows. */
function plot(axis: Axis, series: Series[]): string {
  const time: Cost = series.every((s) => s.laws.cpuSeconds) ? 'cpuSeconds' : 'predictedSeconds';
  const panels = ([time, 'permutations', 'rows'] as const).map((cost) => ({
    title: COST_TITLES[cost],
    series: series.map(({ name, points, laws }) => ({
      name,
      points: points.map((p): [number, number] => [
        p.size,
        present(p[cost], 'the cost of a point'),
      ]),
      law: present(laws[cost], 'the law of a cost'),
    })),
  }));
  return logLogPlot(`Cost against ${axis}`, axis, panels);
}

async function requireFolder(dir: string): Promise<void> {
  await access(dir, constants.W_OK).catch(() => {
    throw new AttensorError({
      code: 'NOT_FOUND',
      what: 'the folder for the plots does not exist or is not writable',
      where: resolve(dir),
      hint: 'Create the folder first',
    });
  });
}

const pointTable = (series: Series[]): string =>
  table([
    [
      'axis',
      'what',
      'size',
      'native s',
      'CPU s',
      'predicted s',
      'permutations',
      'circuits',
      'rows',
    ],
    ...series.flatMap(({ axis, name, points }) =>
      points.map((p) => [
        axis,
        name,
        String(p.size),
        p.seconds?.toFixed(2) ?? '',
        p.cpuSeconds?.toFixed(2) ?? '',
        p.predictedSeconds.toFixed(2),
        p.permutations.toLocaleString('en'),
        String(p.circuits),
        p.rows.toLocaleString('en'),
      ]),
    ),
  ]);

const lawTable = (series: Series[]): string =>
  table([
    ['exponents', 'what', 'CPU s', 'predicted s', 'permutations', 'rows'],
    ...series.map(({ axis, name, laws }) => [
      axis,
      name,
      ...COSTS.map((cost) => laws[cost]?.exponent.toFixed(2) ?? ''),
    ]),
  ]);

/** Layers and whole of DeepSeek-V3, on three machines. */
async function prediction({ tokens, partLog }: Options, { output }: Context) {
  const { deepseekCosts, manyCores, measuredRates, oneGpu, predict } =
    await import('./scaling/deepseek-v3.js');
  output.log('counting the layers');
  const layers = await deepseekCosts(2 ** Math.ceil(Math.log2(tokens)), Number(partLog));
  output.log('measuring this machine');
  const here = await measuredRates();
  const rates = [here, manyCores(here), oneGpu(here)];
  const predictions = rates.map((r) => layers.map((cost) => predict(cost, r)));
  return {
    json: { tokens, partLog: Number(partLog), layers, rates, predictions },
    text: [costTable(layers), rateTable(rates), timeTable(layers, rates, predictions)].join('\n\n'),
  };
}

const KIND_TITLES: Record<LayerCost['kind'], string> = {
  embedding: 'embedding',
  dense: 'dense layer',
  moe: 'MoE layer',
  head: 'last norm, head',
  model: 'whole model',
};
const power = (n: number): string => n.toExponential(2);
const gigabytes = (n: number): string => (n / 1e9).toFixed(n < 1e11 ? 1 : 0);

const costTable = (layers: LayerCost[]): string => {
  const lines: [string, (l: LayerCost) => string][] = [
    ['', (l) => `${KIND_TITLES[l.kind]}${l.count > 1 ? ` (${l.count})` : ''}`],
    ['weights, entries', (l) => power(l.weights)],
    ['vectors of weights', (l) => String(l.parts)],
    ['witness, entries', (l) => power(l.witness)],
    ['permutations', (l) => power(l.permutations)],
    ['field products', (l) => power(l.products)],
    ['permutations, weights once', (l) => power(l.weightPermutations)],
    ['products, weights once', (l) => power(l.weightProducts)],
    ['Pickles proofs', (l) => l.circuits.toLocaleString('en')],
    ['rows', (l) => power(l.rows)],
    ['memory of a proof, GB', (l) => gigabytes(l.peakBytes)],
    ['memory, weights once, GB', (l) => gigabytes(l.weightPeakBytes)],
    ['disk: weights, trees, GB', (l) => gigabytes(l.diskBytes)],
  ];
  return table(lines.map(([what, of]) => [what, ...layers.map(of)]));
};

const rateTable = (rates: Rates[]): string =>
  table([
    ['machine', 'permutation us', 'product ns', 'entry us', 'circuit s', 'at once', 'how known'],
    ...rates.map((r) => [
      r.machine,
      (1e6 * r.permutation).toFixed(3),
      (1e9 * r.product).toFixed(3),
      (1e6 * r.entry).toFixed(3),
      r.circuit.toFixed(0),
      String(r.circuitsAtOnce),
      r.basis,
    ]),
  ]);

const timeTable = (layers: LayerCost[], rates: Rates[], predictions: Prediction[][]): string =>
  table([
    ['predicted', 'machine', 'native', 'circuits', 'weights once'],
    ...rates.flatMap((r, m) =>
      layers.map((l, k) => {
        const p = predictions[m][k];
        return [
          KIND_TITLES[l.kind],
          r.machine,
          span(p.nativeSeconds),
          span(p.picklesSeconds),
          span(p.weightsSeconds),
        ];
      }),
    ),
  ]);

/** In the largest unit that leaves a number above 1.5. */
function span(seconds: number): string {
  const units: [string, number][] = [
    ['days', 86_400],
    ['h', 3600],
    ['min', 60],
  ];
  const [unit, length] = units.find(([, n]) => seconds >= 1.5 * n) ?? ['s', 1];
  return `${(seconds / length).toFixed(1)} ${unit}`;
}
