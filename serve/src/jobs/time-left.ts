/** How long a proof still takes, by its planned steps. */
import type { PlannedStep } from '../proving/runner.js';

/** The step that runs. */
export interface StepNow {
  step: string;
  /** when it began, in milliseconds of the process's clock */
  since: number;
}

/**
 * @param now absent for a proof that has not begun
 * @param clock the time now, as in `now`
 * @returns seconds; a step that takes longer than planned counts for nothing more, and those after it for what they are planned
 */
export function secondsLeft(
  steps: readonly PlannedStep[],
  now: StepNow | undefined,
  clock: number,
): number {
  const sum = (some: readonly PlannedStep[]) => some.reduce((all, { seconds }) => all + seconds, 0);
  const at = steps.findIndex(({ step }) => step === now?.step);
  if (now === undefined || at < 0) return sum(steps);
  const taken = (clock - now.since) / 1000;
  return Math.max(0, steps[at].seconds - taken) + sum(steps.slice(at + 1));
}
