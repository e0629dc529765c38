/** A process of its own, whose peak memory is its own: one stage of `memory.ts`. Prints what it took as one JSON line. */
import { generate, importCheckpoint, Model } from '@attensor/inference';
import { engine } from '@attensor/native';
import {
  commitParts,
  cutModel,
  layersUnit,
  partRequest,
  provePart,
  provingBytes,
  runParts,
  Script,
  type CutModel,
} from '@attensor/prover/planning';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCheckpoint } from './checkpoint.js';

export const STAGES = ['checkpoint', 'import', 'commit', 'run', 'unit'] as const;
export type Stage = (typeof STAGES)[number];

/** What a stage is told, as JSON in its arguments. */
export interface StageRequest {
  stage: Stage;
  dir: string;
  config: Record<string, unknown>;
  /** layers of a unit */
  unitLayers: number;
}

export interface StageReport {
  peakBytes: number;
  seconds: number;
  /** of the checkpoint */
  weights?: number;
  /** of weights in the model directory */
  diskBytes?: number;
  /** of the cut model */
  units?: number;
}

const CAPACITY = 8;
const RATES = { logInvRate: 2, hashingLogInvRate: 2 };
/** Small parts, so that what a part takes does not hide what grows. */
const PART_LOG = 20;
/** Of the run. */
const CACHE_BYTES = 2 ** 25;
const PROMPT = [1, 2, 3];
const ANSWERED = 2;
const engines = { prover: engine, model: 'native' as const };

async function work({
  stage,
  dir,
  config,
  unitLayers,
}: StageRequest): Promise<Partial<StageReport>> {
  const [checkpoint, modelDir] = [join(dir, 'hf'), join(dir, 'model')];
  const committed = join(dir, 'committed.json');
  if (stage === 'checkpoint') return { weights: await writeCheckpoint(checkpoint, config, 1) };
  if (stage === 'import') {
    await importCheckpoint(checkpoint, modelDir);
    return { diskBytes: await bytesIn(join(modelDir, 'weights')) };
  }
  const model = await Model.open(modelDir, { cacheBytes: CACHE_BYTES });
  const cut = await unitsOf(model, unitLayers);
  if (stage === 'commit') {
    const { units } = await commitParts(engine, cut, model);
    const secrets = units.map(({ root, salt }) => [String(root), String(salt)]);
    await writeFile(committed, JSON.stringify(secrets));
    return { units: units.length };
  }
  const outputIds = await generate(model, PROMPT, ANSWERED);
  const tokens = [{ promptIds: PROMPT, outputIds }];
  const requests = await runParts(engines, cut, tokens, model, 0n);
  if (stage === 'run') return {};
  const secrets = JSON.parse(await readFile(committed, 'utf8')) as [string, string][];
  const place = Math.floor(cut.places.length / 2);
  const [root, salt] = secrets[place].map(BigInt);
  const { request, dispose } = await partRequest(engine, requests, place);
  await provePart(engines, cut.places[place], request, model, { root, salt });
  dispose();
  return {};
}

async function unitsOf({ config }: Model, count: number): Promise<CutModel> {
  const unit = layersUnit(config, CAPACITY, { kind: 'moe', count });
  const memory = provingBytes(new Script(unit, { ...RATES, partLog: PART_LOG }));
  const options = { rates: RATES, partLog: PART_LOG };
  const cut = await cutModel({ config, capacity: CAPACITY }, memory, options);
  if (!('parts' in cut)) throw new Error('bench: the model fits one unit');
  return cut.parts;
}

async function bytesIn(dir: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) bytes += (await stat(join(dir, name))).size;
  return bytes;
}

const request = JSON.parse(process.argv[2]) as StageRequest;
await mkdir(request.dir, { recursive: true });
const start = performance.now();
const done = await work(request);
const report: StageReport = {
  ...done,
  seconds: (performance.now() - start) / 1000,
  peakBytes: 1024 * process.resourceUsage().maxRSS,
};
// threads of o1js would keep the process alive
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
