import { ChainSession, type Executed } from '@attensor/chain';
import { type TransactionOptions, withTransaction } from '../chain-options.js';
import type { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { AttensorError } from '@attensor/core';
import { told } from './deploy.js';

/** Settlements of others that come before this one, until it gives up. */
const ATTEMPTS = 5;

export function settleCommand(session: Session): Command {
  return withTransaction(
    command('settle', 'Take all submitted attestations into the record, in one transaction'),
  )
    .addHelpText(
      'after',
      `
Anyone may settle. Proofs are kept until they are settled: an interrupted command goes on where it stopped, and if somebody else settles first, what is proved of the rest is used again.
JSON: {contract, settled, pending, transactions: [{transaction, block, fee, nonce, resumed, about}]}.`,
    )
    .action(
      works<TransactionOptions>(session, async (context, options) => {
        const { planSettle } = await import('@attensor/chain/plans');
        const { readHistory } = await import('@attensor/contracts');
        const { PublicKey } = await import('o1js');
        const chain = await ChainSession.open(options, context);
        const contract = await chain.address();
        const transactions: (Executed & { about: string })[] = [];
        let settled = 0;
        for (let attempt = 1; ; attempt++) {
          const { cacheDir } = chain;
          const { signal, output } = context;
          const log = (line: string) => output.log(line);
          const plan = await planSettle(contract, { cacheDir, signal, log });
          if (plan === undefined) break;
          try {
            transactions.push({ ...(await chain.execute(plan)), about: plan.about });
            settled += plan.takes;
            break;
          } catch (error) {
            if (attempt === ATTEMPTS || !isOvertaken(error)) throw error;
            context.output.log(
              'another settlement or new submissions came first; going on from there',
            );
          }
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

/** Was the transaction made for a state that has passed? */
function isOvertaken(error: unknown): boolean {
  if (error instanceof AttensorError)
    return ['OVERTAKEN', 'TRANSACTION_FAILED', 'REJECTED'].includes(error.code);
  return error instanceof Error && error.message.includes('others have settled since');
}
