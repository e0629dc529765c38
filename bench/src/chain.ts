import { type Command, Option } from 'commander';
import { cpus, totalmem } from 'node:os';
import { command, works, type Session } from '@attensor/cli/frame';
import type { Figure } from './contract.js';

export function benchChainCommand(session: Session): Command {
  return command('chain', "Measure the contract's transactions and the capacity of a local node")
    .addOption(
      new Option('--part <name>', 'measure only one of the two')
        .choices(['contract', 'node', 'all'])
        .default('all'),
    )
    .addHelpText('after', '\nJSON: {machine, figures: [{figure, measured, unit, bound?}]}.')
    .action(
      works<{ part: 'contract' | 'node' | 'all' }>(session, async ({ output }, { part }) => {
        const { contractFigures } = await import('./contract.js');
        const { nodeFigures } = await import('./node.js');
        const bar = output.progress('bench chain');
        try {
          const parts = [
            ...(part === 'node' ? [] : [contractFigures]),
            ...(part === 'contract' ? [] : [nodeFigures]),
          ];
          const figures: Figure[] = [];
          for (const [i, measure] of parts.entries()) {
            const onStep = (step: string, fraction: number) =>
              bar.update((i + fraction) / parts.length, step);
            figures.push(...(await measure(onStep)));
          }
          const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
          return { json: { machine, figures }, text: [machine, ...figures.map(line)].join('\n') };
        } finally {
          bar.close();
        }
      }),
    );
}

function line({ figure, measured, unit, bound }: Figure): string {
  const limit =
    bound === undefined ? '' : `bound ${bound} ${unit}${measured <= bound ? '' : '  EXCEEDED'}`;
  return `${figure.padEnd(36)} ${measured.toFixed(2).padStart(9)} ${unit.padEnd(3)} ${limit}`.trimEnd();
}
