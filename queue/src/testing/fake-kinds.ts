/** Kinds whose steps are cheap: the queue's tests and measurements run them in place of proofs. */
import type { Codec, Step } from '@attensor/prover';
import { appendFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadInput, GraphRun, type Kind, type Kinds } from '../kind.js';
import { digestOf, type PlannedStep } from '../plan.js';

/** Parameters of a plan of sums. */
export interface SumParams {
  /** Each step's own number, and how long it takes. */
  values: Record<string, { value: number; ms: number }>;
  /** file that gets a line for each step that is run */
  log?: string;
  /** Steps that draw a salt: each run of them has another result. */
  salted?: string[];
  /** Steps that throw. */
  failing?: string[];
  /** Steps in which the process dies, if the log does not yet have a line of them. */
  dying?: string[];
}

interface Sum {
  /** own value and those of the inputs */
  sum: number;
  salt: number;
  /** of the inputs */
  salts: Record<string, number>;
}

const codec = (valid: (value: Sum) => boolean): Codec<Sum> => ({
  encode: (value) => Buffer.from(JSON.stringify(value)),
  async decode(bytes) {
    const value = JSON.parse(Buffer.from(bytes).toString()) as Sum;
    return valid(value) ? value : undefined;
  },
});

/** A step is its own number and the sum of what it reads. A negative sum counts as a result that does not verify. */
const sums: Kind = {
  async run(run) {
    const { plan, step: wanted } = run;
    const {
      values,
      log,
      salted = [],
      failing = [],
      dying = [],
    } = plan.json.params as unknown as SumParams;
    const steps = new Map<string, Step<Sum>>();
    for (const { name, key, inputs } of plan.json.steps) {
      const reads = inputs.map((input) => {
        const step = steps.get(input);
        if (!step) throw Error(`no step ${input}`);
        return step;
      });
      steps.set(name, {
        name,
        key,
        inputs: reads,
        codec: codec(({ sum }) => sum >= 0),
        async run(context) {
          const { value, ms } = values[name];
          if (failing.includes(name)) throw Error(`${name} cannot be done`);
          const result: Sum = { sum: value, salt: 0, salts: {} };
          for (const read of reads) {
            const input = await context.get(read);
            result.sum += input.sum;
            result.salts[read.name] = input.salt;
            // made from the same results as this one
            for (const [of, salt] of Object.entries(input.salts))
              if (of in result.salts && result.salts[of] !== salt)
                throw Error(`${read.name} is of another ${of}`);
          }
          if (salted.includes(name)) result.salt = Math.random();
          if (log !== undefined) await appendFile(log, `${name} ${process.pid}\n`);
          if (dying.includes(name) && (await once(plan.hash, name, log)))
            process.kill(process.pid, 'SIGKILL');
          await sleep(ms);
          return result;
        },
      });
    }
    const step = steps.get(wanted);
    if (!step) throw new BadInput(wanted, 'no such step');
    return new GraphRun(run).add(...steps.values()).run(step);
  },
};

/** Whether no process has been here before. */
async function once(hash: string, name: string, log = ''): Promise<boolean> {
  const { open } = await import('node:fs/promises');
  try {
    await (await open(`${log}.${name}.${hash.slice(0, 8)}`, 'wx')).close();
    return true;
  } catch {
    return false;
  }
}

export const kinds: Kinds = { sums };

/** A step of sums in a plan. */
export const sumStep = (of: string, name: string, inputs: string[] = [], gib = 1): PlannedStep => ({
  ...{ name, inputs, room: 'sums', key: digestOf([of, name]) },
  need: { bytes: gib * 2 ** 30 },
});
