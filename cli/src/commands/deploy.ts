import { ChainSession, type Executed } from '@attensor/chain';
import { publicKeyOption, type TransactionOptions, withTransaction } from '../chain-options.js';
import type { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { AttensorError } from '@attensor/core';
import { readPublished } from '../published.js';

interface Options extends TransactionOptions {
  commitment: string;
  owner?: string;
}

export function deployCommand(session: Session): Command {
  return withTransaction(command('deploy', 'Deploy the attestation contract of a model'))
    .requiredOption('--commitment <file>', "the model's commitment.json, after `attensor keys`")
    .option(
      '--owner <key>',
      'who may update the model (default: the contract key)',
      publicKeyOption,
    )
    .addHelpText(
      'after',
      `
The contract's key (keyPath) and the fee payer's (feepayerKeyPath) sign. It costs the fee, and 1 MINA for the account.
An interrupted deployment continues where it stopped. JSON: {contract, deployed, transaction, block, fee, nonce, resumed};
deployed is false, and the rest is absent, if the same contract is already there.`,
    )
    .action(
      works<Options>(session, async (context, options) => {
        const { planDeploy } = await import('@attensor/chain/plans');
        const commitment = await readPublished(options.commitment);
        const chain = await ChainSession.open(options, context);
        const key = await chain.contractKey();
        if (options.contract !== undefined && options.contract !== key.publicKey) {
          throw new AttensorError({
            code: 'USAGE',
            what: 'a contract is deployed at the address of its own key',
            expected: key.publicKey,
            got: options.contract,
            hint: 'omit --contract',
          });
        }
        const plan = await planDeploy(key.publicKey, commitment, options.owner);
        if (plan === undefined) {
          return {
            json: { contract: key.publicKey, deployed: false },
            text: `already deployed: ${key.publicKey}`,
          };
        }
        const done = await chain.execute(plan, [key]);
        return {
          json: { contract: key.publicKey, deployed: true, ...done },
          text: `contract ${key.publicKey}\n${told(done)}`,
        };
      }),
    );
}

/** A transaction's fate in a line. */
export function told({ transaction, block, fee, resumed }: Executed): string {
  const fate = block === undefined ? 'sent' : `in block ${block}`;
  return `transaction ${transaction} ${fate}, fee ${fee} MINA${resumed ? ', resumed' : ''}`;
}
