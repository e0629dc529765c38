/** How long steps take on many machines: what the queue would do, from measured times of steps. */

export interface TimedStep {
  name: string;
  inputs: string[];
  seconds: number;
}

export interface Schedule {
  machines: number;
  /** from the first step's start to the last one's end */
  seconds: number;
  /** of all steps, by all machines' time */
  efficiency: number;
  /** What each machine ran, in order. */
  runs: { name: string; start: number; end: number }[][];
}

/**
 * Steps wait in the order in which they became ready, and an idle machine takes the first one, as workers of one queue do.
 *
 * @param steps inputs come before their readers
 * @param overhead seconds that the queue adds to each step
 */
export function simulate(steps: TimedStep[], machines: number, overhead = 0): Schedule {
  const ends = new Map<string, number>();
  const runs: Schedule['runs'] = Array.from({ length: machines }, () => []);
  const free = new Array<number>(machines).fill(0);
  const left = new Set(steps);
  while (left.size > 0) {
    const ready = [...left]
      .filter(({ inputs }) => inputs.every((input) => ends.has(input)))
      .map((step) => ({
        step,
        at: Math.max(0, ...step.inputs.map((input) => ends.get(input) ?? 0)),
      }))
      .sort((a, b) => a.at - b.at);
    if (ready.length === 0) throw RangeError('steps that wait for each other');
    // Of those that are known, none that becomes ready later may start before the first one.
    const [{ step, at }] = ready;
    const machine = free.indexOf(Math.min(...free));
    const start = Math.max(at, free[machine]);
    const end = start + step.seconds + overhead;
    runs[machine].push({ name: step.name, start, end });
    free[machine] = end;
    ends.set(step.name, end);
    left.delete(step);
  }
  const seconds = Math.max(...ends.values());
  const work = steps.reduce((sum, step) => sum + step.seconds, 0);
  return { machines, seconds, efficiency: work / (machines * seconds), runs };
}

export interface StepTimes {
  run: number;
  messages: number;
  /** of each circuit of a unit */
  circuits: number[];
  join: number;
}

/** A model of so many units, asked so many times: a run, messages and circuits of each unit, and a tree of joins. */
export function modelSteps(units: number, requests: number, times: StepTimes): TimedStep[] {
  const steps: TimedStep[] = [];
  const add = (name: string, inputs: string[], seconds: number): string => {
    steps.push({ name, inputs, seconds });
    return name;
  };
  for (let request = 0; request < requests; request++) {
    const of = (name: string) => `${name} of ${request}`;
    const run = add(of('run'), [], times.run);
    let level: string[] = [];
    for (let unit = 0; unit < units; unit++) {
      let last = add(of(`messages-${unit}`), [run], times.messages);
      times.circuits.forEach((seconds, k) => {
        last = add(of(`circuit-${unit}-${k}`), [last], seconds);
      });
      level.push(last);
    }
    for (let depth = 0; level.length > 1; depth++) {
      const above: string[] = [];
      for (let k = 0; k + 1 < level.length; k += 2)
        above.push(add(of(`join-${depth}-${k / 2}`), [level[k], level[k + 1]], times.join));
      if (level.length % 2 === 1) above.push(level[level.length - 1]);
      level = above;
    }
  }
  return steps;
}

/** A line for each machine: where a step begins, its first letter; then dashes; dots while it waits. */
export function drawSchedule({ runs, seconds }: Schedule, width = 72): string {
  const column = (at: number) => Math.floor((at / seconds) * width);
  return runs
    .map((run, machine) => {
      const line = new Array<string>(width).fill('.');
      for (const { name, start, end } of run) {
        line.fill('-', column(start), Math.max(column(start) + 1, column(end)));
        line[column(start)] = name[0];
      }
      return `${String(machine + 1).padStart(3)} ${line.join('')}`;
    })
    .join('\n');
}
