import { ChainSession } from '@attensor/chain';
import { type AliasOptions, withAlias } from '../chain-options.js';
import { AttensorError } from '@attensor/core';
import { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { ExitCode } from '../errors.js';
import { readProof } from './submit.js';

interface ListOptions extends AliasOptions {
  pending?: boolean;
}
interface GetOptions extends AliasOptions {
  proof?: string;
}

export function attestationsCommand(session: Session): Command {
  return new Command('attestations')
    .description('Read attestations from the chain')
    .addCommand(listCommand(session))
    .addCommand(getCommand(session));
}

function listCommand(session: Session): Command {
  return withAlias(command('list', 'List all attestations, checked against the contract'))
    .option('--pending', 'show only those that are not settled yet')
    .addHelpText(
      'after',
      '\nJSON: {contract, provedState, locked, contractKeyHash, count, settled, attestations: [{index, settled, statement, verifierKeyHash, transaction, block}]}.',
    )
    .action(
      works<ListOptions>(session, async (context, options) => {
        const { contract, account, attestations } = await read(options, context);
        const shown = attestations.filter(({ settled }) => !options.pending || !settled);
        return {
          json: {
            contract,
            ...account,
            count: attestations.length,
            settled: attestations.filter(({ settled }) => settled).length,
            attestations: shown,
          },
          text:
            shown.length === 0
              ? `nothing ${options.pending ? 'pending' : 'attested'} at ${contract}`
              : shown.map(line).join('\n'),
        };
      }),
    );
}

function getCommand(session: Session): Command {
  return withAlias(
    command('get', "Show one attestation, or whether a proof's statement is attested"),
  )
    .argument('[which]', 'number, transaction hash or outputHash of the attestation')
    .option('--proof <file>', 'find the attestation of this proof file')
    .addHelpText(
      'after',
      `
Exit code 2 if there is none. JSON: {contract, provedState, locked, contractKeyHash, found, attestation}; found is false without an attestation.`,
    )
    .action(
      works<GetOptions>(session, async (context, options, which?: string) => {
        if ((which === undefined) === (options.proof === undefined)) {
          throw new AttensorError({
            code: 'USAGE',
            what: 'name one attestation',
            expected: 'a number, a transaction or an outputHash; or --proof',
          });
        }
        const file = options.proof === undefined ? undefined : await readProof(options.proof);
        const { contract, account, attestations } = await read(options, context);
        const attestation = attestations.find((each) =>
          file === undefined
            ? [String(each.index), each.transaction, each.statement.outputHash].includes(which)
            : each.verifierKeyHash === file.verificationKey.hash &&
              Object.entries(file.statement).every(
                ([name, value]) => each.statement[name as keyof StatementJson] === value,
              ),
        );
        return {
          json: {
            contract,
            ...account,
            found: attestation !== undefined,
            ...(attestation && { attestation }),
          },
          text: attestation === undefined ? 'not attested' : details(attestation),
          exitCode: attestation === undefined ? ExitCode.verificationFailed : ExitCode.done,
        };
      }),
    );
}

type StatementJson = Record<'modelRoot' | 'vocabularyRoot' | 'inputHash' | 'outputHash', string>;

interface AttestationJson {
  index: number;
  settled: boolean;
  statement: StatementJson;
  verifierKeyHash: string;
  transaction?: string;
  block?: number;
}

async function read(options: AliasOptions, context: Parameters<typeof ChainSession.open>[1]) {
  const chain = await ChainSession.open(options, context);
  const contract = await chain.address();
  const { readAttestations, readContract, Statement } = await import('@attensor/contracts');
  const { PublicKey } = await import('o1js');
  const address = PublicKey.fromBase58(contract);
  const { provedState, locked, contractKeyHash } = await readContract(address, {
    graphql: chain.alias.url,
  });
  if (!provedState || !locked) {
    context.output.log(
      'warning: the account can be changed without a proof, or could be in the past: its attestations mean nothing',
    );
  }
  const found = await readAttestations(address);
  const attestations = found.map(
    ({ index, settled, attestation, transactionHash, blockHeight }): AttestationJson => ({
      index,
      settled,
      statement: Statement.toJSON(attestation.statement),
      verifierKeyHash: attestation.verifierKeyHash.toString(),
      transaction: transactionHash,
      block: blockHeight,
    }),
  );
  const account = { provedState, locked, contractKeyHash: contractKeyHash.toString() };
  return { contract, account, attestations };
}

function line({ index, settled, statement, block }: AttestationJson): string {
  const state = settled ? 'settled' : 'pending';
  return `${String(index).padStart(5)}  ${state}  block ${block ?? '?'}  input ${statement.inputHash}  output ${statement.outputHash}`;
}

function details(attestation: AttestationJson): string {
  const { index, settled, statement, verifierKeyHash, transaction, block } = attestation;
  return [
    `attestation ${index}, ${settled ? 'settled' : 'pending'}`,
    ...Object.entries({ ...statement, verifierKeyHash }).map(
      ([name, value]) => `${`${name}:`.padEnd(17)}${value}`,
    ),
    `transaction:     ${transaction ?? '?'}, block ${block ?? '?'}`,
  ].join('\n');
}
