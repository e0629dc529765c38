import type { Command } from 'commander';
import { cpus, totalmem } from 'node:os';
import { command, works, type Session } from '../command.js';
import type { Figure } from '../bench/chain.js';

export { benchChainCommand };

function benchChainCommand(session: Session): Command {
  return command('chain', "Measure the contract's transactions on an embedded chain")
    .addHelpText('after', '\nJSON: {machine, figures: [{figure, measured, unit, bound?}]}.')
    .action(
      works(session, async ({ output }) => {
        const { contractFigures } = await import('../bench/chain.js');
        const bar = output.progress('bench chain');
        try {
          const figures = await contractFigures((step, fraction) => bar.update(fraction, step));
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
