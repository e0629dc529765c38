/**
 * `npm run bench -- openings`: rows and hashing of a proof at each pair of rates, and the pair that plans choose, for tiny, the
 * components of Table 3 and DeepSeek-V3's attention block. Nothing is proved.
 */
import type { Command } from 'commander';
import { computing, type Context, type Session, works } from '@attensor/cli/frame';
import { AttensorError } from '@attensor/core';
import type { Unit } from '@attensor/prover';
import type { PlannedScript } from '@attensor/prover/planning';
import { withModel } from './scaling.js';
import { table } from './table.js';

const MODEL = 'tiny';
const CAPACITY = 32;
const COMPONENTS = [
  'embedding',
  'attn_norm',
  'q_norm',
  'RoPE1',
  'softmax_qk',
  'sigmoid_gate',
  'experts_selector',
  'wkv_a1',
  'attention',
];
const NAMES = [MODEL, ...COMPONENTS];

interface Counted {
  logInvRate: number;
  hashingLogInvRate: number;
  /** of each circuit */
  rows: number[];
  /** log2 of the entries of the vector that holds the hashing */
  logHashing: number;
  /** all commitments of a proof, in Kimchi's permutations */
  permutations: number;
  /** what plans take */
  chosen: boolean;
}

interface Subject {
  name: string;
  counted: Counted[];
}

export function benchOpeningsCommand(session: Session): Command {
  return computing('openings', 'Count rows and hashing at all rates that a proof may have')
    .option('--only <name>', `one of ${NAMES.join(', ')}`)
    .addHelpText(
      'after',
      '\nJSON: {subjects: [{name, counted: [{logInvRate, hashingLogInvRate, rows, logHashing, permutations, chosen}]}]}',
    )
    .action(
      works<{ only?: string }>(session, async ({ output }: Context, { only }) => {
        const names = NAMES.filter((name) => only === undefined || name === only);
        if (names.length === 0)
          throw new AttensorError({
            code: 'USAGE',
            what: 'there is nothing of that name to count',
            expected: NAMES.join(', '),
            got: String(only),
          });
        const subjects: Subject[] = [];
        for (const name of names) {
          output.log(`counting ${name}`);
          subjects.push(await count(name));
        }
        return { json: { subjects }, text: text(subjects) };
      }),
    );
}

async function count(name: string): Promise<Subject> {
  const { cheapestScript, PART_LOG, planned, scriptsAtAllRates } =
    await import('@attensor/prover/planning');
  const { unit, partLog = PART_LOG } = await subject(name);
  const { script: best } = await cheapestScript(unit, partLog);
  const counted: Counted[] = [];
  for (const script of scriptsAtAllRates(unit, partLog)) {
    const { segments }: PlannedScript = await planned(script);
    const { logInvRate, hashingLogInvRate, permutations } = script;
    counted.push({
      ...{ logInvRate, hashingLogInvRate, permutations },
      rows: segments.map((s) => s.rows),
      logHashing: script.levels.layout.logSize,
      chosen: best.logInvRate === logInvRate && best.hashingLogInvRate === hashingLogInvRate,
    });
  }
  return { name, counted };
}

async function subject(name: string): Promise<{ unit: Unit; partLog?: number }> {
  const { ModelUnit, requiredLogSize } = await import('@attensor/prover/planning');
  const { componentByName } = await import('@attensor/prover');
  if (name !== MODEL) return { unit: componentByName(name) };
  const config = await withModel(MODEL, (_, read) => Promise.resolve(read));
  const partLog = requiredLogSize(config, CAPACITY);
  return { unit: new ModelUnit(config, CAPACITY, partLog), partLog };
}

const rate = (log: number): string => `1/${2 ** log}`;

/** For each subject the rates that are chosen, and the fewest rows at any. */
function text(subjects: Subject[]): string {
  const total = (c: Counted): number => c.rows.reduce((a, b) => a + b, 0);
  const inCircuits = (c: Counted): string => `${total(c).toLocaleString('en')} (${c.rows.length})`;
  const rows = subjects.flatMap(({ name, counted }) => {
    const fewest = counted.reduce((a, b) => (total(b) < total(a) ? b : a));
    return counted
      .filter((c) => c.chosen)
      .map((c) => [
        name,
        inCircuits(c),
        rate(c.logInvRate),
        rate(c.hashingLogInvRate),
        `2^${c.logHashing}`,
        (c.permutations / 1e6).toFixed(1),
        inCircuits(fewest),
        (fewest.permutations / 1e6).toFixed(1),
      ]);
  });
  const columns = ['level 1', 'level 2', 'S', 'M permutations', 'fewest rows', 'M permutations'];
  return table([['', 'rows (circuits)', ...columns], ...rows]);
}
