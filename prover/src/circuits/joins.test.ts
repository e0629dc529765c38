/** Joins as circuits and as numbers: both make the same statements, and refuse the same forgeries. No proofs are made. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { Statement } from '@attensor/contracts';
import { Field, Provable, setBackend } from 'o1js';
import { VerificationError } from '../protocol/tape.js';
import {
  fieldsOf,
  join,
  joinAll,
  joinCount,
  joinedIdentity,
  joinedModelRoot,
  joinModel,
  joinTree,
  lift,
  weightsPath,
  type JoinedModel,
  type JoinTree,
  type ModelOpening,
  type Proven,
  type UnitFields,
} from '../units/joins.js';
import { saltedTokens, statementFrom, UnitStatement } from '../units/statements.js';
import { joinCircuit, liftCircuit, modelCircuit, type VerifiedUnits } from './joins.js';

beforeAll(() => setBackend('native'));

const KEYS = { units: 901n, joined: 902n };
const CONFIG_HASH = 77n;
const OPENING = { input: 51n, output: 52n, salts: { tokens: 53n, model: 54n } };
const TOKENS = saltedTokens(OPENING, OPENING.salts.tokens);

/** Units as an honest prover states them. */
const row = (count: number): Proven[] =>
  Array.from({ length: count }, (_, k) => ({
    key: BigInt(100 + (k % 3)),
    fields: {
      unit: BigInt(200 + (k % 3)),
      weights: BigInt(300 + k),
      in: k === 0 ? 0n : BigInt(400 + k),
      out: k === count - 1 ? 0n : BigInt(401 + k),
      tokens: k === 0 || k === count - 1 ? TOKENS : 0n,
    },
  }));

const modelOf = (units: Proven[]): JoinedModel => ({
  configHash: CONFIG_HASH,
  ...joinedIdentity(
    units.map(({ key, fields }) => ({ key, unit: fields.unit })),
    KEYS,
  ),
  depth: weightsPath(units.map(() => 0n)).siblings.length,
});

const openingOf = (units: Proven[]): ModelOpening => {
  const weights = units.map(({ fields }) => fields.weights);
  const { siblings } = weightsPath(weights);
  return { ...OPENING, vocabularyRoot: weights[0], siblings };
};

/** Why numbers refuse; nothing where they do not. */
function refusal(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof VerificationError) return error.message;
    throw error;
  }
}

/** Why a circuit refuses. */
async function inCircuit(circuit: () => void): Promise<string | undefined> {
  try {
    await Provable.runAndCheck(circuit);
    return undefined;
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
}

const field = (value: bigint): Field => Provable.witness(Field, () => Field(value));
const witnessed = (fields: UnitFields): UnitStatement =>
  Provable.witness(UnitStatement, () => statementFrom(UnitStatement, fieldsOf(fields)));
const verified = ({ fields, key }: Proven, output = 0n): VerifiedUnits => ({
  statement: witnessed(fields),
  output: field(output),
  keyHash: field(key),
});

function modelInCircuit(
  model: JoinedModel,
  top: Proven,
  { siblings, salts }: ModelOpening,
  statement: bigint[],
  output = 0n,
): Promise<string | undefined> {
  return inCircuit(() => {
    const stated = Provable.witness(Statement, () => statementFrom(Statement, statement));
    modelCircuit(model, stated, verified(top, output), {
      siblings: siblings.map(field),
      tokenSalt: field(salts.tokens),
      salt: field(salts.model),
    });
  });
}

describe('a tree of joins', () => {
  const spelled = (tree: JoinTree): string => {
    if (tree.kind === 'pair') return `${tree.left}+${tree.right}`;
    return tree.kind === 'lift'
      ? String(tree.unit)
      : `(${spelled(tree.left)} ${spelled(tree.right)})`;
  };

  it('joins neighbours, and then halves', () => {
    expect([2, 3, 4, 5, 6, 9].map((count) => spelled(joinTree(count)))).toEqual([
      '0+1',
      '(0+1 2)',
      '(0+1 2+3)',
      '((0+1 2+3) 4)',
      '((0+1 2+3) 4+5)',
      '(((0+1 2+3) (4+5 6+7)) 8)',
    ]);
    const count = (tree: JoinTree): number =>
      tree.kind === 'node' ? 1 + count(tree.left) + count(tree.right) : 1;
    for (let units = 1; units < 40; units++) expect(count(joinTree(units))).toBe(joinCount(units));
    expect(() => joinTree(0)).toThrow(RangeError);
  });

  it.each([2, 3, 4, 5, 6, 7, 8, 61])('makes the statement of a model: %i units', async (count) => {
    const units = row(count);
    const [model, opening] = [modelOf(units), openingOf(units)];
    const top = joinAll(units, KEYS);
    expect({ unit: top.fields.unit, key: top.key }).toEqual({ unit: model.unit, key: model.key });
    const statement = joinModel(model, top, opening);
    const { root } = weightsPath(units.map(({ fields }) => fields.weights));
    expect(statement).toEqual([
      joinedModelRoot(CONFIG_HASH, root, OPENING.salts.model),
      units[0].fields.weights,
      ...[OPENING.input, OPENING.output],
    ]);
    expect(await modelInCircuit(model, top, opening, statement)).toBeUndefined();
  });
});

describe('a join', () => {
  const [left, right] = row(2);

  it('states the same as a circuit and as numbers', async () => {
    const made = join(left, right);
    const check = (fields: UnitFields) =>
      inCircuit(() => {
        joinCircuit(witnessed(fields), verified(left), verified(right));
      });
    expect(await check(made)).toBeUndefined();
    for (const name of ['unit', 'weights', 'in', 'out', 'tokens'] as const)
      expect(await check({ ...made, [name]: made[name] + 1n })).toContain(
        'join: the statement is another one',
      );
  });

  it('lifts a unit, and says so', async () => {
    const made = lift(left);
    const check = (fields: UnitFields, output = 0n) =>
      inCircuit(() => {
        liftCircuit(witnessed(fields), verified(left, output));
      });
    expect(await check(made)).toBeUndefined();
    expect(await check(left.fields)).toContain('join: the statement is another one');
    for (const name of ['unit', 'weights', 'in', 'out', 'tokens'] as const)
      expect(await check({ ...made, [name]: made[name] + 1n })).toContain(
        'join: the statement is another one',
      );
    expect(await check(made, 1n)).toContain('join: the proof is of an unfinished run');
  });

  const forged = {
    'of units that are no neighbours': [
      { ...left, fields: { ...left.fields, out: 5n } },
      right,
      'join: the left unit leaves another tensor than the right one reads',
    ],
    'of units about different tokens': [
      left,
      { ...right, fields: { ...right.fields, tokens: TOKENS + 1n } },
      'join: the units are about different tokens',
    ],
  } satisfies Record<string, [Proven, Proven, string]>;
  it.each(Object.entries(forged))('is refused %s', async (_, [l, r, reason]) => {
    expect(refusal(() => join(l, r))).toBe(reason);
    // what a prover would state who leaves the check out
    const made = { ...join(left, right), in: l.fields.in, out: r.fields.out };
    expect(
      await inCircuit(() => {
        joinCircuit(witnessed(made), verified(l), verified(r));
      }),
    ).toContain(reason);
  });

  it('is refused of an unfinished proof', async () => {
    const made = join(left, right);
    for (const outputs of [
      [1n, 0n],
      [0n, 1n],
    ])
      expect(
        await inCircuit(() => {
          joinCircuit(witnessed(made), verified(left, outputs[0]), verified(right, outputs[1]));
        }),
      ).toContain('join: the proof is of an unfinished run');
  });

  it('tells circuits, units, and their sides apart', () => {
    const others = [
      join(left, right),
      join({ ...left, key: 5n }, right),
      join(left, { ...right, key: 5n }),
      join({ ...left, fields: { ...left.fields, unit: 5n } }, right),
      join(left, { ...right, fields: { ...right.fields, unit: 5n } }),
      join({ ...left, key: left.fields.unit, fields: { ...left.fields, unit: left.key } }, right),
    ].map(({ unit }) => unit);
    expect(new Set([...others, lift(left).unit, lift({ ...left, key: 5n }).unit]).size).toBe(8);
  });
});

describe('the last circuit of a model', () => {
  const units = row(5);
  const model = modelOf(units);
  const opening = openingOf(units);
  const top = joinAll(units, KEYS);
  const statement = joinModel(model, top, opening);
  const withFields = (changed: Partial<UnitFields>): Proven => ({
    ...top,
    fields: { ...top.fields, ...changed },
  });
  const others = (changed: Proven[]): Proven => joinAll(changed, KEYS);

  it.each<[string, Proven, Partial<ModelOpening>, string]>([
    ['joins by other circuits', { ...top, key: 5n }, {}, 'the units were joined by other circuits'],
    [
      'other units',
      withFields({ unit: top.fields.unit + 1n }),
      {},
      'the units, or their circuits, are not those of the model in its order',
    ],
    [
      'a unit proved by other circuits',
      others(units.map((u, k) => (k === 2 ? { ...u, key: 5n } : u))),
      {},
      'the units, or their circuits, are not those of the model in its order',
    ],
    ['a tensor before the first', withFields({ in: 1n }), {}, 'the units are not all of a model'],
    ['a tensor after the last', withFields({ out: 1n }), {}, 'the units are not all of a model'],
    ['other tokens', withFields({ tokens: 1n }), {}, 'the units read other tokens'],
    ['another input', top, { input: 1n }, 'the units read other tokens'],
    ['another output', top, { output: 1n }, 'the units read other tokens'],
    [
      'another salt of the tokens',
      top,
      { salts: { ...OPENING.salts, tokens: 1n } },
      'the units read other tokens',
    ],
    ['another vocabulary', top, { vocabularyRoot: 1n }, 'the vocabulary is not that of the units'],
    [
      'another path',
      top,
      { siblings: [1n, ...opening.siblings.slice(1)] },
      'the vocabulary is not that of the units',
    ],
  ])('refuses %s', async (_, of, changes, reason) => {
    const changed = { ...opening, ...changes };
    expect(refusal(() => joinModel(model, of, changed))).toBe(`join: ${reason}`);
    const stated = [
      joinedModelRoot(CONFIG_HASH, of.fields.weights, changed.salts.model),
      ...[changed.vocabularyRoot, changed.input, changed.output],
    ];
    expect(await modelInCircuit(model, of, changed, stated)).toContain(`join: ${reason}`);
  });

  it('refuses a path of another length', () => {
    const siblings = opening.siblings.slice(0, -1);
    const last = { ...opening, siblings };
    expect(refusal(() => joinModel(model, top, last))).toContain('the path to the vocabulary');
  });

  it('refuses another root of the model, and a proof that is not finished', async () => {
    const other = [statement[0] + 1n, ...statement.slice(1)];
    expect(await modelInCircuit(model, top, opening, other)).toContain(
      'join: the weights are not those of the model',
    );
    const salted = { ...opening, salts: { ...OPENING.salts, model: 1n } };
    expect(await modelInCircuit(model, top, salted, statement)).toContain(
      'join: the weights are not those of the model',
    );
    expect(await modelInCircuit(model, top, opening, statement, 1n)).toContain(
      'join: the proof is of an unfinished run',
    );
  });
});
