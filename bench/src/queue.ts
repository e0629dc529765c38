/**
 * `npm run bench -- queue`: what the queue adds to a proof, with one worker and with two; faults, with cheap steps; and schedules for many
 * machines, from measured times of steps.
 */
import { AttensorError, present } from '@attensor/core';
import { defaultCacheDir } from '@attensor/core/files';
import { command, positiveInteger, works, type Context, type Session } from '@attensor/cli/frame';
import { Option, type Command } from 'commander';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ATTENSOR } from './attensor.js';
import { FAULTS, type Fault, type FaultReport } from './queue/faults.js';
import { drawSchedule, modelSteps, simulate, type StepTimes } from './queue/simulate.js';
import { withModel } from './scaling.js';
import { table } from './table.js';

interface Options {
  server: 'redis' | 'postgres';
  model: 'nano' | 'tiny';
  proofs: number;
  faults?: boolean;
  only?: Fault;
  seconds: number;
  simulate?: string;
  units: number;
  requests: number;
}

const MACHINES = [1, 2, 4, 8, 16, 32, 64];
/** Of which the whole schedule is drawn. */
const DRAWN = 4;
const CAPACITY = { nano: 4, tiny: 32 } as const;
const CORES = 2;

export function benchQueueCommand(session: Session): Command {
  return command(
    'queue',
    'Measure the queue of workers: overhead, faults, schedules of many machines',
  )
    .addOption(
      new Option('--server <name>', 'database').choices(['redis', 'postgres']).default('redis'),
    )
    .addOption(
      new Option('--model <name>', 'what is proved').choices(['nano', 'tiny']).default('tiny'),
    )
    .option('--proofs <n>', 'proofs of each measurement', positiveInteger, 2)
    .option('--faults', 'make faults while cheap steps run instead; fails if a result is wrong')
    .addOption(new Option('--only <fault>', 'with --faults: one kind').choices(FAULTS))
    .option('--seconds <n>', 'with --faults: between two faults', positiveInteger, 30)
    .option(
      '--simulate <file>',
      'schedules for 1 to 64 machines instead, from the file that --json has printed',
    )
    .option('--units <n>', 'with --simulate: of the model', positiveInteger, 8)
    .option('--requests <n>', 'with --simulate: at the same time', positiveInteger, 1)
    .addHelpText(
      'after',
      '\nJSON: {model, inProcess, oneWorker, twoWorkers, overhead, steps}, seconds; with --faults {reports}; with --simulate {schedules}.',
    )
    .action(
      works<Options>(session, async (context, options) => {
        if (options.simulate !== undefined) return await schedules(options.simulate, options);
        return options.faults ? await faults(options, context) : await overhead(options, context);
      }),
    );
}

async function faults({ server, only, proofs, seconds }: Options, { output }: Context) {
  const { runQueueFaults } = await import('./queue/faults.js');
  const reports: FaultReport[] = [];
  for (const fault of only === undefined ? FAULTS : [only]) {
    output.log(`queue: fault '${fault}'`);
    reports.push(
      await runQueueFaults({
        ...{ fault, server, proofs, workers: CORES, seed: Date.now() % 2 ** 31 },
        ...{ everyMs: 1000 * seconds, lastsMs: 500 * seconds },
        onDone: (done) => output.log(`queue: ${done} of ${proofs} proofs`),
      }),
    );
  }
  return {
    json: { reports },
    text: table([
      ['fault', 'times', 'proofs, all right', 'steps', 'done again', 'seconds'],
      ...reports.map((r) => [
        r.fault,
        ...[r.faults, r.proofs, r.steps, r.repeated, r.seconds].map((n) => n.toFixed(0)),
      ]),
    ]),
  };
}

/** What a measurement prints, as far as a simulation reads it. */
const measuredSchema = z.object({ steps: z.record(z.string(), z.number()) });

async function schedules(path: string, { units, requests }: Options) {
  const { steps } = measuredSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  const circuits = Object.entries(steps)
    .filter(([name]) => name.startsWith('circuit'))
    .map(([, seconds]) => seconds);
  const times: StepTimes = {
    run: steps.run ?? 0,
    messages: present(steps.messages, 'the time of messages'),
    circuits,
    // like the last circuit, it verifies proofs
    join: steps.join ?? present(circuits.at(-1), 'the time of a circuit'),
  };
  const all = MACHINES.map((machines) => simulate(modelSteps(units, requests, times), machines));
  const shown = all.find(({ machines }) => machines === DRAWN);
  return {
    json: { times, units, requests, schedules: all },
    text: [
      `${units} units, ${requests} requests; a unit: messages ${times.messages.toFixed(1)} s, circuits ${circuits.map((s) => s.toFixed(1)).join(' + ')} s; a join ${times.join.toFixed(1)} s`,
      table([
        ['machines', 'seconds', 'efficiency'],
        ...all.map(({ machines, seconds, efficiency }) => [
          String(machines),
          seconds.toFixed(0),
          `${(100 * efficiency).toFixed(0)} %`,
        ]),
      ]),
      ...(shown
        ? [`${DRAWN} machines (r run, m messages, c circuit, j join):`, drawSchedule(shown)]
        : []),
    ].join('\n\n'),
  };
}

/** Whole commands in processes of their own; a worker has one core. */
async function overhead({ server: kind, model, proofs }: Options, { output }: Context) {
  const { SERVERS } = await import('@attensor/queue/testing');
  return await withModel(model, async (dir) => {
    const folder = await mkdtemp(join(tmpdir(), 'attensor-bench-queue-'));
    const server = await SERVERS[kind]();
    const workers: ChildProcess[] = [];
    try {
      const common = ['--cache', defaultCacheDir()];
      await attensor(['model', 'commit', dir, '--capacity', String(CAPACITY[model])]);
      await attensor(['keys', dir, ...common]);
      const queue = ['--queue', server.address, '--artifacts', join(folder, 'artifacts')];
      const worker = async (core: number) => {
        const args = ['worker', ...queue, ...common, '--json'];
        const child = spawn('taskset', ['-c', String(core), process.execPath, ATTENSOR, ...args], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        workers.push(child);
        await new Promise<void>((resolve) => {
          let text = '';
          child.stderr.on('data', (data) => {
            text += String(data);
            if (text.includes('waiting for steps')) resolve();
          });
        });
      };
      /** One after the other, or all at a time. @returns seconds of a proof */
      const prove = async (first: number, where: string[], atOnce = false, core?: number) => {
        const one = (k: number) =>
          attensor(
            [
              ...['prove', dir, '--prompt-tokens', String(first + k), '--max-tokens', '2'],
              ...['--out', join(folder, `${first + k}.json`), ...common, ...where],
            ],
            core,
          );
        const start = performance.now();
        const reports: Record<string, number>[] = [];
        if (atOnce)
          reports.push(...(await Promise.all(Array.from({ length: proofs }, (_, k) => one(k)))));
        else for (let k = 0; k < proofs; k++) reports.push(await one(k));
        const mean = reports.reduce((sum, { proveSeconds }) => sum + proveSeconds, 0) / proofs;
        return { proveSeconds: mean, wallSeconds: (performance.now() - start) / 1000, reports };
      };
      output.log('queue: in one process');
      const inProcess = await prove(10, [], false, 0);
      output.log('queue: one worker');
      await worker(0);
      await prove(10 + proofs, queue); // loads models and keys, as `prove` has them
      const oneWorker = await prove(10 + 2 * proofs, queue);
      const oneAtOnce = await prove(10 + 3 * proofs, queue, true);
      output.log('queue: two workers');
      await worker(1);
      await prove(10 + 4 * proofs, queue, true);
      const twoAtOnce = await prove(10 + 5 * proofs, queue, true);
      const [{ nativeSeconds, picklesSeconds, pickles }] = oneWorker.reports;
      const circuits = Array.from({ length: pickles }, (_, k) => [
        `circuit-${k}`,
        picklesSeconds / pickles,
      ]);
      const added = oneWorker.proveSeconds / inProcess.proveSeconds - 1;
      return {
        json: {
          ...{ model, server: kind, proofs, overhead: added },
          inProcess: inProcess.proveSeconds,
          oneWorker: oneWorker.proveSeconds,
          atOnce: { oneWorker: oneAtOnce.wallSeconds, twoWorkers: twoAtOnce.wallSeconds },
          steps: { messages: nativeSeconds, ...Object.fromEntries(circuits) },
        },
        text: [
          `${model}, a proof: ${inProcess.proveSeconds.toFixed(1)} s in one process, ${oneWorker.proveSeconds.toFixed(1)} s by a worker (${(100 * added).toFixed(1)} %)`,
          `${proofs} proofs at once: ${oneAtOnce.wallSeconds.toFixed(1)} s by one worker of one core, ${twoAtOnce.wallSeconds.toFixed(1)} s by two`,
        ].join('\n'),
      };
    } finally {
      for (const child of workers) child.kill('SIGINT');
      await server.remove();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

/** Runs a command. @returns what it prints as JSON */
function attensor(args: string[], core?: number): Promise<Record<string, number>> {
  const bound = core === undefined ? [] : ['taskset', '-c', String(core)];
  const [file, ...rest] = [...bound, process.execPath, ATTENSOR, ...args, '--json'];
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => (out += String(data)));
  child.stderr.on('data', (data) => (err += String(data)));
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => {
      if (code === 0) return resolve(JSON.parse(out) as Record<string, number>);
      reject(
        new AttensorError({
          code: 'INTERNAL',
          what: `the command ended with ${code}`,
          where: args.join(' '),
          got: err.slice(-2000),
        }),
      );
    });
  });
}
