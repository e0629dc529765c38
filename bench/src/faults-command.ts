import { type Command, InvalidArgumentError } from 'commander';
import { command, works, type Session } from '@attensor/cli/frame';

interface Options {
  moments: number;
  seed: number;
  settle?: boolean;
}

/** Two blocks, their join and the end. */
const SUBMISSIONS = 600;

export function benchFaultsCommand(session: Session): Command {
  return command('faults', 'Kill a local node at random moments while it works, and start it again')
    .option('--moments <n>', 'how often it is killed', natural, 100)
    .option('--seed <n>', 'the same seed kills at the same moments', natural, Date.now() % 2 ** 31)
    .option('--settle', 'kill a settlement instead, with proofs off')
    .addHelpText(
      'after',
      '\nFails if anything that was acknowledged is lost or done twice, or if the node does not start again. With --settle, fails if anything is proved twice, or if another settlement comes out. JSON: {workload, seed, killed, duringStart, acknowledged, torn, seconds}, or {seed, killed, settled, seconds}.',
    )
    .action(
      works<Options>(session, async ({ output }, { moments, seed, settle }) => {
        const { runFaults } = await import('./faults.js');
        const { Payments } = await import('./payments.js');
        const bar = output.progress('bench faults');
        try {
          const onMoment = (done: number) => bar.update(done / moments, `killed ${done} times`);
          if (settle) {
            const { runSettleFaults } = await import('./settle-faults.js');
            const report = await runSettleFaults({
              ...{ moments, seed, onMoment },
              submissions: SUBMISSIONS,
            });
            const { killed, settled, seconds } = report;
            return {
              json: report,
              text: `killed ${killed} times (seed ${seed}): ${settled} settlements came to the same end, nothing was proved twice, ${seconds.toFixed(0)} s`,
            };
          }
          const report = await runFaults(new Payments(), { moments, seed, onMoment });
          const { killed, duringStart, acknowledged, torn, seconds } = report;
          return {
            json: report,
            text: `killed ${killed} times, ${duringStart} of them while it started (seed ${seed}): all of ${acknowledged} acknowledged payments and blocks are there, ${torn} torn writes were cut off, ${seconds.toFixed(0)} s`,
          };
        } finally {
          bar.close();
        }
      }),
    );
}

function natural(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError(`expected a number, got '${text}'`);
}
