/**
 * `npm run bench -- openings`: rows of circuits if a second proof of hashing took the place of Merkle paths in circuits, counted for
 * tiny, the components of Table 3 and DeepSeek-V3's attention block. Nothing is proved: layouts, query counts and today's tapes are the
 * prover's own, and the second level's verifier is written out as a tape (openings/).
 */
import type { Command } from 'commander';
import { computing, type Context, type Session, works } from '@attensor/cli/frame';
import { AttensorError } from '@attensor/core';
import type { Counted, VocabularyReads } from './openings/count.js';
import type { Today } from './openings/level-one.js';
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
/** log2 of the inverse rates that are tried, of level 1 and of S. */
const RATES = [1, 2, 3, 4];
const RATES_S = [2, 3, 4, 5, 6];
/** Bits of each proof of work at level 2. */
const GRINDING_S = [16, 20];

interface Subject {
  name: string;
  today: Today & { rows: number; circuits: number; logInvRate: number };
  /** all that were counted */
  counted: Counted[];
  best: Record<Design, Counted>;
}

const DESIGNS = ['A', 'B'] as const;
type Design = (typeof DESIGNS)[number];

export function benchOpeningsCommand(session: Session): Command {
  return computing('openings', 'Count the rows of proved hashing, before there is any')
    .option('--only <name>', `one of ${[MODEL, ...COMPONENTS].join(', ')}`)
    .addHelpText(
      'after',
      '\nJSON: {subjects: [{name, today, counted, best}]}, where A proves hashing at the second level, and B the whole verifier.',
    )
    .action(
      works<{ only?: string }>(session, async ({ output }: Context, { only }) => {
        const names = [MODEL, ...COMPONENTS].filter((name) => only === undefined || name === only);
        if (names.length === 0)
          throw new AttensorError({
            code: 'USAGE',
            what: 'there is nothing of that name to count',
            expected: [MODEL, ...COMPONENTS].join(', '),
            got: String(only),
          });
        const subjects: Subject[] = [];
        for (const name of names) {
          output.log(`counting ${name}`);
          subjects.push(await countSubject(name));
        }
        return { json: { subjects }, text: texts(subjects) };
      }),
    );
}

async function countSubject(name: string): Promise<Subject> {
  const { plan } = await import('@attensor/prover/planning');
  const { count } = await import('./openings/count.js');
  const { today } = await import('./openings/level-one.js');
  const { TREE_HASHES } = await import('./openings/tree-hash.js');
  const { scriptAt, logInvRate, vocabulary } = await subject(name);
  const rows = plan(await scriptAt(logInvRate).tape()).map((s) => s.rows);
  const now = await today(scriptAt(logInvRate));
  const counted: Counted[] = [];
  for (const rate of RATES) {
    const script = scriptAt(rate);
    const before = await today(script);
    for (const hash of TREE_HASHES)
      for (const logInvRateS of RATES_S)
        for (const grindingBitsS of GRINDING_S) {
          const options = { logInvRate: rate, logInvRateS, grindingBitsS, hash };
          counted.push(await count(script, before, vocabulary, options));
        }
  }
  const cheapest = (design: Design): Counted =>
    counted.reduce((best, c) => (c[design].cost < best[design].cost ? c : best));
  return {
    name,
    today: { ...now, rows: rows.reduce((a, b) => a + b, 0), circuits: rows.length, logInvRate },
    counted,
    best: { A: cheapest('A'), B: cheapest('B') },
  };
}

/** A unit at any rate, and the rate that it is proved at today. */
async function subject(name: string): Promise<{
  scriptAt: (logInvRate: number) => import('@attensor/prover/planning').Script;
  logInvRate: number;
  vocabulary?: VocabularyReads;
}> {
  const { LOG_INV_RATE, ceilLog2, modelScript, Script } = await import('@attensor/prover/planning');
  if (name === MODEL) {
    const config = await withModel(MODEL, (_, read) => Promise.resolve(read));
    return {
      scriptAt: (rate) => modelScript(config, CAPACITY, undefined, rate).script,
      logInvRate: LOG_INV_RATE,
      vocabulary: {
        rows: CAPACITY - 1,
        width: config.hiddenSize,
        depth: ceilLog2(config.vocabSize),
      },
    };
  }
  const { componentByName, planComponent } = await import('@attensor/prover');
  const component = componentByName(name);
  const { script } = await planComponent(component);
  return {
    scriptAt: (logInvRate) => new Script(component, { logInvRate }),
    logInvRate: script.logInvRate,
  };
}

const rate = (log: number): string => `1/${2 ** log}`;
const rowsText = (n: number): string => n.toLocaleString('en');
const millions = (n: number): string => (n / 1e6).toFixed(1);

const inCircuits = (rows: number, circuits: number): string => `${rowsText(rows)} (${circuits})`;

function texts(subjects: Subject[]): string {
  const designs = DESIGNS.flatMap((d) => [d, 'level 1; S; trees', 'fewest']);
  const overview = subjects.map(({ name, today, counted, best }) => [
    name,
    inCircuits(today.rows, today.circuits),
    ...DESIGNS.flatMap((design) => {
      const { options, [design]: phase } = best[design];
      const fewest = Math.min(...counted.map((c) => c[design].rows));
      return [
        inCircuits(phase.rows, phase.circuits),
        `${rate(options.logInvRate)}; ${rate(options.logInvRateS)}, 2^${phase.logSize}; ${options.hash.name}`,
        rowsText(fewest),
      ];
    }),
  ]);
  const parts = subjects.flatMap(({ name, today, best }) => [
    [
      `${name}, today`,
      rowsText(Math.ceil(today.statement.rows)),
      rowsText(Math.ceil(today.relations.rows)),
      rowsText(Math.ceil(today.opening.rows)),
      rowsText(Math.ceil(today.embedding.rows + today.leaves.rows + today.paths.rows)),
      '',
      '',
      '',
      '',
    ],
    ...DESIGNS.map((design) => {
      const { parts, permutations } = best[design][design];
      return [
        `${name}, ${design}`,
        ...['statement', 'relations', 'opening'].map((part) => rowsText(parts[part] ?? 0)),
        rowsText(parts.trees),
        design === 'A' ? rowsText(best.A.built.rows) : '',
        rowsText(parts.tape ?? 0),
        rowsText(parts['opening of S']),
        millions(permutations),
      ];
    }),
  ]);
  const purposes = ['statement', 'relations', 'opening', 'hashing', 'built', 'tape', 'S opened'];
  return [
    table([['rows (circuits)', 'today', ...designs], ...overview]),
    table([['rows for', ...purposes, 'M permutations for S'], ...parts]),
  ].join('\n\n');
}
