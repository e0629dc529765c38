import { ChainSession } from '@attensor/chain';
import { type TransactionOptions, withTransaction } from '../chain-options.js';
import type { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { AttensorError } from '@attensor/core';
import { ExitCode } from '../errors.js';
import { readTextFile } from '@attensor/core/files';
import { told } from './deploy.js';

interface Options extends TransactionOptions {
  again?: boolean;
}

export function submitCommand(session: Session): Command {
  return withTransaction(command('submit', 'Submit a proof: attest its statement on chain'))
    .argument('<proof>', 'proof file')
    .option('--again', 'submit even if the statement was submitted before')
    .addHelpText(
      'after',
      `
The proof is verified first, against the contract's commitment: exit code 2 if it is not valid.
An interrupted submission continues where it stopped. JSON: {contract, submitted, statement, transaction, block, fee, nonce, resumed};
submitted is false, and the transaction absent, when the statement is on chain already.`,
    )
    .action(
      works<Options>(session, async (context, options, path) => {
        const file = await readProof(path);
        const chain = await ChainSession.open(options, context);
        const contract = await chain.address();
        const { statement } = file;
        const verdict = await verifyForContract(file, contract);
        if (!verdict.valid) {
          return {
            json: { contract, submitted: false, statement, reason: verdict.reason },
            text: `NOT VALID: ${verdict.reason ?? 'unknown reason'}`,
            exitCode: ExitCode.verificationFailed,
          };
        }
        const { planSubmit } = await import('@attensor/chain/plans');
        const plan = await planSubmit(contract, file, { again: options.again ?? false });
        if (plan === undefined) {
          return {
            json: { contract, submitted: false, statement },
            text: 'the statement was submitted before (--again submits it once more)',
          };
        }
        const done = await chain.execute(plan);
        return { json: { contract, submitted: true, statement, ...done }, text: told(done) };
      }),
    );
}

export async function readProof(path: string) {
  const { MAX_PROOF_BYTES, parseProofFile } = await import('@attensor/prover');
  return parseProofFile(await readTextFile(path, MAX_PROOF_BYTES), path);
}

/** @throws AttensorError WRONG_MODEL when the contract is committed to another one */
async function verifyForContract(file: Awaited<ReturnType<typeof readProof>>, address: string) {
  const { Commitment, readCommitment } = await import('@attensor/contracts');
  const { PublicKey } = await import('o1js');
  const { verifyProofFile } = await import('@attensor/prover');
  const commitment = Commitment.toJSON(
    await readCommitment(PublicKey.fromBase58(address)),
  ) as unknown as Record<'modelRoot' | 'vocabularyRoot' | 'verifierKeyHash', string>;
  const { modelRoot, vocabularyRoot } = file.statement;
  const given = { modelRoot, vocabularyRoot, verifierKeyHash: file.verificationKey.hash };
  for (const name of ['modelRoot', 'vocabularyRoot', 'verifierKeyHash'] as const) {
    if (given[name] === commitment[name]) continue;
    throw new AttensorError({
      code: 'WRONG_MODEL',
      what: `the proof has another ${name} than the contract`,
      where: address,
      expected: commitment[name],
      got: given[name],
      hint: 'submit it to the contract of its model',
    });
  }
  return await verifyProofFile(file, { verifierKeyHash: commitment.verifierKeyHash });
}
