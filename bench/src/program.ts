import type { Session } from '@attensor/cli/frame';
import { Command } from 'commander';
import { benchChainCommand } from './chain.js';
import { benchOpeningsCommand } from './openings.js';
import { benchFaultsCommand } from './faults-command.js';
import { benchMemoryCommand } from './memory.js';
import { benchQueueCommand } from './queue.js';
import { benchScalingCommand } from './scaling.js';
import { benchTable3Command } from './table3.js';

export function benchProgram(session: Session): Command {
  return new Command('bench')
    .usage('<main|table3|scaling|openings|memory|chain|faults|queue|kernels|witness> [options]')
    .description('Measure this machine')
    .addCommand(benchTable3Command(session))
    .addCommand(benchScalingCommand(session))
    .addCommand(benchOpeningsCommand(session))
    .addCommand(benchMemoryCommand(session))
    .addCommand(benchChainCommand(session))
    .addCommand(benchFaultsCommand(session))
    .addCommand(benchQueueCommand(session))
    .addHelpText(
      'after',
      `
Scripts, which take --json too:
  main [--runs <n>] [--work <dir>]              the main job against its bounds
  kernels [log size] [threads] [--all]          the engine's kernels
  kernels --baseline | --refresh-baseline       compared with bench/baseline.json
  witness [permutations]                        a circuit's permutations as witnesses`,
    );
}
