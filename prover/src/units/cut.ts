/**
 * @module units/cut
 * Cutting a model into units: as few as a limit of memory allows. A model that fits is one unit, as if there were no others.
 */
import { AttensorError, isMoeLayer, type LayerKind, type ModelConfig } from '@attensor/inference';
import { requiredLogSize } from '../commitment/model-commitment.js';
import { provingBytes } from '../estimate.js';
import { CONFIG_DOMAIN, textHash } from '../protocol/domains.js';
import { cheapestScript, scriptsAtAllRates, type PlannedScript, type Rates } from '../rates.js';
import { PART_LOG, Script } from '../script.js';
import { firstUnit, lastUnit } from './ends.js';
import {
  joinedIdentity,
  PLAIN_KEYS,
  weightsPath,
  type JoinedModel,
  type JoinKeys,
} from './joins.js';
import { layersUnit } from './layers.js';
import { MODEL_VERSION, ModelUnit } from './model.js';
import type { Part } from './part.js';
import type { CommitmentNumbers } from './unit.js';

/** What the circuits of a model depend on. */
export interface ModelShape {
  config: ModelConfig;
  /** positions of prompt and output, a power of two */
  capacity: number;
  /** requests in a proof, each with so many positions; one by default */
  batch?: number;
}

/** What a unit of a model consists of: the first one, so many layers of one kind, or the last one. */
export interface PartKindOf {
  kind: 'first' | LayerKind | 'last';
  /** layers; 0 of the first and last one */
  count: number;
}

/** A unit in its place. Equal units are one object, and so are their scripts. */
export interface PlacedPart extends PartKindOf {
  unit: Part;
  script: Script;
  /** its first layer */
  layer: number;
}

/** A model as units in their order: the first one, layers, the last one. */
export interface CutModel extends ModelShape {
  places: PlacedPart[];
  /** of the architecture and of all units in their order */
  configHash: bigint;
}

/** What a unit's circuits depend on besides the model's shape. */
export type CutUnit = PartKindOf & CommitmentNumbers;

export type Cut = { whole: PlannedScript & { unit: ModelUnit } } | { parts: CutModel };

export interface CutOptions {
  /** of all units; the default are those whose proof takes least time, among those that fit */
  rates?: Rates;
  /** log2 of the entries that parameters are committed by, where they are more */
  partLog?: number;
}

/**
 * As few units as fit. Layers of one kind that follow each other are cut into units of one length, but for what is left over; so there
 * are at most two circuits for each such run, whatever its length.
 *
 * @param memory bytes that a process may take while it makes the messages of a proof (`provingBytes`)
 * @throws UNSUPPORTED_CONFIG when one layer, or what stands before or after the layers, does not fit
 */
export async function cutModel(
  shape: ModelShape,
  memory: number,
  options: CutOptions = {},
): Promise<Cut> {
  const whole = await wholeModel(shape, memory, options);
  return whole ? { whole } : { parts: await cutIntoParts(shape, memory, options) };
}

/** The model as one unit, if it fits. */
async function wholeModel(
  { config, capacity, batch }: ModelShape,
  memory: number,
  { partLog = PART_LOG, rates }: CutOptions,
): Promise<(PlannedScript & { unit: ModelUnit }) | undefined> {
  const logSize = requiredLogSize(config, capacity, partLog, batch);
  const unit = new ModelUnit(config, capacity, logSize, batch);
  const scripts = rates
    ? [new Script(unit, { ...rates, partLog: logSize })]
    : scriptsAtAllRates(unit, logSize);
  // planning takes long for a model that no rate makes fit
  if (!scripts.some((script) => provingBytes(script) <= memory)) return undefined;
  const found = await cheapestScript(unit, logSize, scripts);
  return provingBytes(found.script) <= memory ? { unit, ...found } : undefined;
}

/** Smaller parts of the weights take less memory, and more queries. */
const PART_LOGS = [PART_LOG, PART_LOG - 1, PART_LOG - 2, PART_LOG - 3];

async function cutIntoParts(
  shape: ModelShape,
  memory: number,
  options: CutOptions,
): Promise<CutModel> {
  const { partLog, rates } = options;
  const scriptsOf = (unit: Part, log: number): Script[] =>
    rates ? [new Script(unit, { ...rates, partLog: log })] : scriptsAtAllRates(unit, log);
  const partLogs = partLog === undefined ? PART_LOGS : [partLog];
  /** Of the largest parts that fit. */
  const fitting = (unit: Part): Script[] => {
    for (const log of partLogs) {
      const fit = scriptsOf(unit, log).filter((script) => provingBytes(script) <= memory);
      if (fit.length > 0) return fit;
    }
    return [];
  };
  const planUnit = async (of: PartKindOf): Promise<CutUnit> => {
    const unit = partOfKind(shape, of);
    const scripts = fitting(unit);
    if (scripts.length === 0)
      throw tooLarge(
        unit,
        partLogs.flatMap((log) => scriptsOf(unit, log)),
        memory,
      );
    const script = rates ? scripts[0] : (await cheapestScript(unit, PART_LOG, scripts)).script;
    return { ...of, ...script.numbers };
  };

  const units: CutUnit[] = [await planUnit({ kind: 'first', count: 0 })];
  const known = new Map<string, CutUnit>();
  for (const { kind, count: length } of runsOfLayers(shape.config)) {
    const fits = (count: number): boolean => fitting(partOfKind(shape, { kind, count })).length > 0;
    for (const count of equalLengths(length, Math.max(1, longest(length, fits)))) {
      const key = `${kind} ${count}`;
      const unit = known.get(key) ?? (await planUnit({ kind, count }));
      known.set(key, unit);
      units.push(unit);
    }
  }
  units.push(await planUnit({ kind: 'last', count: 0 }));
  return placed(shape, units);
}

function partOfKind({ config, capacity, batch }: ModelShape, { kind, count }: PartKindOf): Part {
  switch (kind) {
    case 'first':
      return firstUnit(config, capacity, batch);
    case 'last':
      return lastUnit(config, capacity, batch);
    default:
      return layersUnit(config, capacity, { kind, count }, batch);
  }
}

/** A model cut into these units. @throws UNSUPPORTED_CONFIG */
export function placed(shape: ModelShape, units: readonly CutUnit[]): CutModel {
  const known = new Map<string, Pick<PlacedPart, 'unit' | 'script'>>();
  let layer = 0;
  const places = units.map(({ kind, count, ...numbers }): PlacedPart => {
    const key = JSON.stringify([kind, count, numbers]);
    let found = known.get(key);
    if (!found) {
      const unit = partOfKind(shape, { kind, count });
      found = { unit, script: new Script(unit, { ...numbers, partLog: numbers.logSize }) };
      known.set(key, found);
    }
    const place = { kind, count, ...found, layer: count > 0 ? layer : 0 };
    layer += count;
    return place;
  });
  return { ...shape, places, configHash: cutHash(shape.config, places) };
}

/** What `modelRoot` has of a model that is cut. */
export function cutHash(
  config: ModelConfig,
  places: readonly Pick<PlacedPart, 'script'>[],
): bigint {
  const sorted = Object.entries(config).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([
    ...['attensor', MODEL_VERSION, 'units'],
    places.map(({ script }) => String(script.hash)),
    sorted,
  ]);
  return textHash(CONFIG_DOMAIN, text);
}

/**
 * What the last circuit of these units holds against their joined statement.
 *
 * @param keys hashes of the verification keys of the units, in order; by default the plain verifier stands for all circuits
 */
export function joinedModel(
  {
    places,
    configHash,
  }: Pick<CutModel, 'configHash'> & {
    places: readonly Pick<PlacedPart, 'script'>[];
  },
  keys: readonly bigint[] = places.map(() => 0n),
  joins: JoinKeys = PLAIN_KEYS,
): JoinedModel {
  const units = places.map(({ script }, k) => ({ unit: script.hash, key: keys[k] }));
  const depth = weightsPath(places.map(() => 0n)).siblings.length;
  return { configHash, ...joinedIdentity(units, joins), depth };
}

/** Consecutive layers of one kind. */
export function runsOfLayers(config: ModelConfig): { kind: LayerKind; count: number }[] {
  const runs: { kind: LayerKind; count: number }[] = [];
  for (let layer = 0; layer < config.layers; layer++) {
    const kind = isMoeLayer(config, layer) ? 'moe' : 'dense';
    const last = runs.at(-1);
    if (last?.kind === kind) last.count++;
    else runs.push({ kind, count: 1 });
  }
  return runs;
}

/** The largest number from 1 to `limit` that fits, if what is smaller than one that fits does; 0 for none. */
function longest(limit: number, fits: (count: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** `total` as the fewest lengths of at most `most`, all but the last of them equal. */
export function equalLengths(total: number, most: number): number[] {
  const count = Math.ceil(total / most);
  const length = Math.ceil(total / count);
  return Array.from({ length: count }, (_, k) => Math.min(length, total - k * length));
}

const tooLarge = (unit: Part, scripts: Script[], memory: number): AttensorError =>
  new AttensorError({
    code: 'UNSUPPORTED_CONFIG',
    what: 'a part of the model does not fit the memory that it may take',
    where: unit.description,
    expected: `at most ${memory} bytes`,
    got: `${Math.ceil(Math.min(...scripts.map(provingBytes)))} bytes`,
    hint: 'Allow more memory, or take a smaller capacity',
  });
