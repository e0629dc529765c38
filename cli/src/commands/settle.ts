import { ChainSession, type Executed } from '@attensor/chain';
import { type TransactionOptions, withTransaction } from '../chain-options.js';
import type { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { AttensorError } from '@attensor/core';
import { told } from './deploy.js';

interface Options extends TransactionOptions {
  all?: boolean;
  pin?: boolean;
}

export function settleCommand(session: Session): Command {
  return withTransaction(
    command('settle', 'Take submitted attestations into the record, up to eight at a time'),
  )
    .option('--all', 'repeat until nothing is pending')
    .option('--pin', 'pin an action state first; use it if every block brings new submissions')
    .addHelpText(
      'after',
      `
Anyone may settle. If too many are pending for one transaction, an action state is pinned first, which takes a transaction of its own.
JSON: {contract, settled, pending, transactions: [{transaction, block, fee, nonce, resumed, about}]}.`,
    )
    .action(
      works<Options>(session, async (context, options) => {
        if ((options.all || options.pin) && !options.wait) {
          throw new AttensorError({
            code: 'USAGE',
            what: '--no-wait cannot be combined with --all or --pin: each transaction is built on the block of the one before',
            hint: 'omit --no-wait, or omit --all and --pin',
          });
        }
        const { planSettle } = await import('@attensor/chain/plans');
        const { readHistory } = await import('@attensor/contracts');
        const { PublicKey } = await import('o1js');
        const chain = await ChainSession.open(options, context);
        const contract = await chain.address();
        const transactions: (Executed & { about: string })[] = [];
        let settled = 0;
        for (let pin = options.pin ?? false; ; pin = false) {
          const plan = await planSettle(contract, { pin });
          if (plan === undefined) break;
          transactions.push({ ...(await chain.execute(plan)), about: plan.about });
          settled += plan.takes;
          // a pinned state alone settles nothing
          if (!options.all && (plan.takes > 0 || !options.wait)) break;
        }
        const pending = (await readHistory(PublicKey.fromBase58(contract))).pending.length;
        return {
          json: { contract, settled, pending, transactions },
          text: [
            ...transactions.map((each) => `${each.about}: ${told(each)}`),
            `${settled} settled, ${pending} pending`,
          ].join('\n'),
        };
      }),
    );
}
