/** Where a model is cut, and that the circuits of its units do not depend on its depth. */
import { describe, expect, it } from '@jest/globals';
import { planModelScript } from '../commitment/model-commitment.js';
import { provingBytes } from '../estimate.js';
import { Script } from '../script.js';
import { TEST_RATES } from '../testing/scripts.js';
import { smallConfig } from '../testing/small-model.js';
import { tapeDigest } from '../testing/tape-fixtures.js';
import { cutHash, cutModel, equalLengths, placed, runsOfLayers, type CutModel } from './cut.js';
import { firstUnit, lastUnit } from './ends.js';
import { layersUnit } from './layers.js';

const CAPACITY = 16;
const rates = TEST_RATES;
/** Bytes of layers with experts. */
const bytesOf = (count: number, config = smallConfig()): number =>
  provingBytes(new Script(layersUnit(config, CAPACITY, { kind: 'moe', count }), rates));

async function partsOf(config: CutModel['config'], memory: number): Promise<CutModel> {
  const cut = await cutModel({ config, capacity: CAPACITY }, memory, { rates });
  if (!('parts' in cut)) throw new Error('the model was not cut');
  return cut.parts;
}

describe('cutting a model', () => {
  it('leaves one that fits as it is', async () => {
    const config = smallConfig({ num_hidden_layers: 1 });
    const cut = await cutModel({ config, capacity: 4 }, 1e12);
    if (!('whole' in cut)) throw new Error('the model was cut');
    const today = await planModelScript(config, 4);
    expect(cut.whole.script.hash).toBe(today.script.hash);
    expect(tapeDigest(cut.whole.tape)).toBe(tapeDigest(today.tape));
  });

  it('takes as many layers as fit, and as few units', async () => {
    const config = smallConfig({ num_hidden_layers: 6, first_k_dense_replace: 1 });
    // two layers fill smaller vectors than three
    expect(bytesOf(2)).toBeLessThan(bytesOf(3));
    const { places } = await partsOf(config, bytesOf(2));
    expect(places.map(({ layer }) => layer)).toEqual([0, 0, 1, 3, 5, 0]);
    const kinds = places.map(
      ({ unit }) =>
        JSON.parse(unit.description) as { kind: string; layers?: string; count?: number },
    );
    expect(kinds.map(({ kind, layers, count }) => [kind, layers, count])).toEqual([
      ['first', undefined, undefined],
      ['layers', 'dense', 1],
      ['layers', 'moe', 2],
      ['layers', 'moe', 2],
      ['layers', 'moe', 1],
      ['last', undefined, undefined],
    ]);
    expect(places[2].script).toBe(places[3].script);
    for (const { script } of places) expect(provingBytes(script)).toBeLessThanOrEqual(bytesOf(2));
  });

  it('refuses a layer that does not fit', async () => {
    await expect(partsOf(smallConfig(), bytesOf(1) - 1)).rejects.toMatchObject({
      code: 'UNSUPPORTED_CONFIG',
    });
  });

  it('cuts runs of layers of one kind', () => {
    const kinds = (changes: Record<string, unknown>) =>
      runsOfLayers({ ...smallConfig({ num_hidden_layers: 5 }), ...changes }).map(
        ({ kind, count }) => `${count} ${kind}`,
      );
    expect(kinds({ firstDense: 3 })).toEqual(['3 dense', '2 moe']);
    expect(kinds({ moeEvery: 2 })).toEqual(['1 moe', '1 dense', '1 moe', '1 dense', '1 moe']);
  });

  it('makes units equal but for the last of a run', () => {
    for (let total = 1; total <= 64; total++)
      for (let most = 1; most <= 64; most++) {
        const lengths = equalLengths(total, most);
        expect(lengths).toHaveLength(Math.ceil(total / most));
        expect(lengths.reduce((a, b) => a + b)).toBe(total);
        const [longest] = lengths;
        expect(longest).toBeLessThanOrEqual(most);
        expect(lengths.slice(0, -1).every((length) => length === longest)).toBe(true);
        expect(lengths[lengths.length - 1]).toBeGreaterThan(0);
        expect(lengths[lengths.length - 1]).toBeLessThanOrEqual(longest);
      }
  });
});

describe('circuits of units', () => {
  const deep = smallConfig({ num_hidden_layers: 61 });

  it.each([
    ['first', firstUnit],
    ['last', lastUnit],
    ['two layers', (config, capacity) => layersUnit(config, capacity, { kind: 'moe', count: 2 })],
  ] satisfies [string, typeof firstUnit][])(
    'are the same for any number of layers: %s',
    async (_, make) => {
      const scripts = [smallConfig(), deep].map(
        (config) => new Script(make(config, CAPACITY), rates),
      );
      expect(scripts[0].hash).toBe(scripts[1].hash);
      const [shallow, other] = await Promise.all(scripts.map((script) => script.tape()));
      expect(tapeDigest(shallow)).toBe(tapeDigest(other));
    },
  );

  it('are others for other sizes, lengths and kinds', () => {
    const config = smallConfig();
    const units = [
      firstUnit(config, CAPACITY),
      firstUnit(config, 2 * CAPACITY),
      lastUnit(config, CAPACITY),
      lastUnit({ ...config, eps: 1e-5 }, CAPACITY),
      ...(['dense', 'moe'] as const).flatMap((kind) =>
        [1, 2].map((count) => layersUnit(config, CAPACITY, { kind, count })),
      ),
      layersUnit({ ...config, routedScaling: 2 }, CAPACITY, { kind: 'moe', count: 1 }),
    ];
    const hashes = units.map((unit) => new Script(unit, rates).hash);
    expect(new Set(hashes).size).toBe(units.length);
  });

  it('are listed in order in the hash of the model', () => {
    const config = smallConfig();
    const place = (count: number) => ({
      script: new Script(layersUnit(config, CAPACITY, { kind: 'moe', count }), rates),
    });
    const [one, two] = [place(1), place(2)];
    const hashes = [
      [one, one, two],
      [one, two, one],
      [two, one, one],
      [one, one, one, two],
    ].map((places) => cutHash(config, places));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  it('are placed again from their numbers', async () => {
    const config = smallConfig({ num_hidden_layers: 6, first_k_dense_replace: 1 });
    const cut = await partsOf(config, bytesOf(2));
    const units = cut.places.map(({ kind, count, script }) => ({
      ...{ kind, count },
      ...script.numbers,
    }));
    const again = placed({ config, capacity: CAPACITY }, units);
    expect(again.configHash).toBe(cut.configHash);
    expect(again.places.map(({ layer }) => layer)).toEqual(cut.places.map(({ layer }) => layer));
    const [, , kept] = units;
    const other = { ...kept, logInvRate: kept.logInvRate + 1 };
    const changed = placed({ config, capacity: CAPACITY }, [
      ...units.slice(0, 2),
      other,
      ...units.slice(3),
    ]);
    expect(changed.configHash).not.toBe(cut.configHash);
  });
});
