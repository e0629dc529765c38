import type { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { compileKeys, loadProver } from '../proving.js';

export function keysCommand(session: Session): Command {
  return command('keys', 'Compile the circuits of a committed model, or load their cached keys')
    .argument('<model-dir>', 'committed model')
    .option(
      '--cache <dir>',
      'where proving keys are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .addHelpText('after', '\nJSON: {verifierKeyHash, seconds}.')
    .action(
      works<{ cache?: string }>(session, async (context, { cache }, dir) => {
        const keys = await compileKeys(await loadProver(dir, cache), context);
        return {
          json: keys,
          text: `verifierKeyHash ${keys.verifierKeyHash}\n${keys.seconds.toFixed(1)} s`,
        };
      }),
    );
}
