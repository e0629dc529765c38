/** Two tables in one lookup argument, and one use of each, by a prover whose checks are off. */
import { engine } from '@attensor/native';
import { Builder, dim, type Source } from '../components/builder.js';
import { Lookups, PairTable, TABLE_LOG } from '../components/lookups.js';
import { fillWitness } from '../units/witness.js';
import { traceOfValues } from './mini.js';
import { Scope } from '../protocol/scope.js';
import { Session } from '../protocol/session.js';

const TABLES = {
  squares: Int32Array.from({ length: 2 ** TABLE_LOG }, (_, k) => (k * k) % 65521),
  cubes: Int32Array.from({ length: 2 ** TABLE_LOG }, (_, k) => (k * k * k) % 65521),
};
type Name = keyof typeof TABLES;
const INPUTS = [5n, 7n, 65535n, 5n];

/**
 * Looks up the same inputs in both tables.
 * @param from where the values of 'cubes' are taken from and counted: itself, or the other table
 */
export async function lookUp(from: Name): Promise<void> {
  const permute = (s: [bigint, bigint, bigint]): [bigint, bigint, bigint] => engine.permute(s);
  const builder = new Builder();
  const inputs: Source = () => INPUTS;
  const values =
    (name: Name): Source =>
    () =>
      INPUTS.map((c) => BigInt(TABLES[name][Number(c)]));
  const squares = new PairTable(builder, 'squares', 1, TABLES.squares);
  const cubes = new PairTable(builder, 'cubes', 2, TABLES.cubes);
  const d = dim('n', INPUTS.length);
  squares.pairs(builder, 'first', [d], inputs, values('squares'), 0);
  cubes.pairs(builder, 'second', [d], inputs, values(from), 0);
  const lookups = new Lookups(builder, [squares, cubes]);
  const logSize = Math.max(builder.witness.seal(), builder.parameters.seal());
  builder.witness.seal(logSize);
  builder.parameters.seal(logSize);

  const ints = new BigInt64Array(2 ** logSize);
  fillWitness(builder, traceOfValues({}), ints);
  lookups.complete(ints);
  if (from === 'squares')
    for (const c of INPUTS) {
      ints[squares.multiplicities.offset + Number(c)]++;
      ints[cubes.multiplicities.offset + Number(c)]--;
    }
  const parameters = engine.alloc(2 ** logSize);
  for (const { block, source } of builder.parameterFills)
    parameters.axpy(
      block.offset,
      1n,
      engine.fromInts(Int32Array.from((source as () => Int32Array)())),
    );
  const witness = engine.fromInts(ints);

  const script = async (session: Session): Promise<void> => {
    const scope = new Scope(
      session,
      session.only(() => ({ witness, parameters })),
    );
    await session.send(1, 'commitment', async () => [await engine.evalPow(witness, 3n)]);
    await lookups.script(scope, logSize);
  };
  const prover = new Session({ engine, permute, statement: [] });
  prover.tape.assertEqual = () => undefined;
  await script(prover);
  await script(new Session({ permute, statement: [], messages: prover.messages }));
}
