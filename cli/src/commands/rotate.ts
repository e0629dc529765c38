import { ChainSession } from '@attensor/chain';
import { publicKeyOption, type TransactionOptions, withTransaction } from '../chain-options.js';
import type { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { AttensorError, present } from '@attensor/core';
import { readPublished } from '../published.js';
import { told } from './deploy.js';

interface Options extends TransactionOptions {
  owner?: string;
  commitment?: string;
  ownerKey?: string;
}

export function rotateCommand(session: Session): Command {
  return withTransaction(command('rotate', 'Hand a contract to another owner, or change its model'))
    .option('--owner <key>', 'public key of the new owner', publicKeyOption)
    .option('--commitment <file>', 'commitment.json of the model that replaces the current one')
    .option('--owner-key <file>', "key file of the current owner (default: the alias's keyPath)")
    .addHelpText(
      'after',
      `
The current owner signs. Earlier attestations stay with the model that they were made with.
JSON: {contract, changed, transaction, block, fee, nonce, resumed}; changed is false, and the rest is absent, if there is nothing to change.`,
    )
    .action(
      works<Options>(session, async (context, options) => {
        requireOne(options);
        const commitment =
          options.commitment === undefined ? undefined : await readPublished(options.commitment);
        const { planRotate, planUpdate } = await import('@attensor/chain/plans');
        const chain = await ChainSession.open(options, context);
        const contract = await chain.address();
        const owner = await chain.key(options.ownerKey ?? chain.alias.keyPath);
        const plan =
          commitment === undefined
            ? await planRotate(contract, owner.publicKey, present(options.owner, '--owner'))
            : await planUpdate(contract, owner.publicKey, commitment);
        if (plan === undefined) {
          return { json: { contract, changed: false }, text: 'there is nothing to change' };
        }
        const done = await chain.execute(plan, [owner]);
        return { json: { contract, changed: true, ...done }, text: `${plan.about}\n${told(done)}` };
      }),
    );
}

export function requireOne({ owner, commitment }: Pick<Options, 'owner' | 'commitment'>): void {
  if ((owner === undefined) !== (commitment === undefined)) return;
  throw new AttensorError({ code: 'USAGE', what: 'give either --owner or --commitment, not both' });
}
