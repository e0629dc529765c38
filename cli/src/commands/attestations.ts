import type { SettledIn } from '@attensor/contracts';
import { ChainSession, readCheckpoint, writeCheckpoint } from '@attensor/chain';
import { type AliasOptions, countOption, withAlias } from '../chain-options.js';
import { AttensorError } from '@attensor/core';
import { Command } from 'commander';
import { command, works, type Session } from '../command.js';
import { ExitCode } from '../errors.js';
import { readPublished } from '../published.js';
import { readProof } from './submit.js';

interface ReaderOptions extends AliasOptions {
  commitment?: string;
  minDepth: number;
}
interface ListOptions extends ReaderOptions {
  pending?: boolean;
}
interface GetOptions extends ReaderOptions {
  proof?: string;
}
interface ExportOptions extends ReaderOptions {
  out: string;
}

export function attestationsCommand(session: Session): Command {
  return new Command('attestations')
    .description('Read attestations from the chain')
    .addCommand(listCommand(session))
    .addCommand(getCommand(session))
    .addCommand(exportCommand(session))
    .addCommand(importCommand(session));
}

function withReader(of: Command): Command {
  return withAlias(of)
    .option('--commitment <file>', 'commitment.json that the contract must be committed to')
    .option(
      '--min-depth <n>',
      'count only what has so many blocks on top of its own, as settled what has them on top of its settlement',
      countOption,
      0,
    );
}

const ACCOUNT_JSON =
  'contract, genuine, provedState, locked, contractKeyHash, height, archiveBehind, skipped';
const FOREIGN =
  '\nExit code 2, NOT_GENUINE, if the account is not the attestation contract, or is committed to another model than --commitment says.';

function listCommand(session: Session): Command {
  return withReader(command('list', 'List all attestations, checked against the contract'))
    .option('--pending', 'show only those that are not settled yet')
    .addHelpText(
      'after',
      `${FOREIGN}
JSON: {${ACCOUNT_JSON}, count, settled, attestations: [{index, state, settled, statement, verifierKeyHash, transaction, block, depth, settledIn: {transactionHash, blockHeight, depth}}]}. settledIn is what archives tell; it is left out where none does.`,
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
  return withReader(
    command('get', "Show one attestation, or whether a proof's statement is attested"),
  )
    .argument('[which]', 'number, transaction hash or outputHash of the attestation')
    .option('--proof <file>', 'find the attestation of this proof file')
    .addHelpText(
      'after',
      `${FOREIGN}
Exit code 2 if there is none. JSON: {${ACCOUNT_JSON}, found, attestation}; found is false without an attestation.`,
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

function exportCommand(session: Session): Command {
  return withReader(
    command('export', 'Write all attestations to a checkpoint: a file that others can start from'),
  )
    .requiredOption('--out <file>', 'checkpoint to write')
    .addHelpText(
      'after',
      `${FOREIGN}
Keep one outside the cache: archives may begin anew after a hard fork. JSON: {${ACCOUNT_JSON}, out, count}.`,
    )
    .action(
      works<ExportOptions>(session, async (context, options) => {
        const { contract, account, reading } = await read(options, context);
        await writeCheckpoint(options.out, reading.checkpoint());
        const count = reading.attestations.length;
        return {
          json: { contract, ...account, out: options.out, count },
          text: `${count} attestations of ${contract} in ${options.out}`,
        };
      }),
    );
}

function importCommand(session: Session): Command {
  return withReader(command('import', 'Take a checkpoint over, if the chain confirms it'))
    .argument('<file>', 'checkpoint, from `attensor attestations export`')
    .addHelpText(
      'after',
      `${FOREIGN}
Its actions are hashed again and must lead to what the ledger holds; only what came after them is asked for. JSON: {${ACCOUNT_JSON}, imported, count}.`,
    )
    .action(
      works<ReaderOptions>(session, async (context, options, path) => {
        const checkpoint = await readCheckpoint(path).catch((cause: unknown) => {
          throw cause instanceof SyntaxError
            ? new AttensorError({ code: 'BAD_FILE', what: 'the file is not JSON', where: path })
            : cause;
        });
        const { contract, account, reading } = await read(options, context, checkpoint);
        // kept or not: nothing of it may be wrong
        const { checkpointProblem: problem } = reading;
        if (problem !== undefined)
          throw problem instanceof Error ? problem : Error(String(problem));
        const count = reading.attestations.length;
        return {
          json: { contract, ...account, imported: reading.known, count },
          text: `${reading.known} account updates taken over, ${count} attestations at ${contract}`,
        };
      }),
    );
}

type StatementJson = Record<'modelRoot' | 'vocabularyRoot' | 'inputHash' | 'outputHash', string>;

interface AttestationJson {
  index: number;
  state: 'submitted' | 'settled';
  settled: boolean;
  statement: StatementJson;
  verifierKeyHash: string;
  transaction?: string;
  block?: number;
  depth?: number;
  settledIn?: SettledIn;
}

async function read(
  options: ReaderOptions,
  context: Parameters<typeof ChainSession.open>[1],
  checkpoint?: unknown,
) {
  const commitment =
    options.commitment === undefined ? undefined : await readPublished(options.commitment);
  const chain = await ChainSession.open(options, context);
  const contract = await chain.address();
  const { isDeep, readSettledIn, requireGenuine, Statement } = await import('@attensor/contracts');
  const { PublicKey } = await import('o1js');
  const address = PublicKey.fromBase58(contract);
  const { reading } = await requireGenuine(address, { commitment }, { checkpoint });
  const { log } = context.output;
  const { checkpointProblem: problem, behind, skipped } = reading;
  if (problem !== undefined && checkpoint === undefined)
    log.call(context.output, problem instanceof Error ? problem.message : String(problem));
  if (behind)
    log.call(
      context.output,
      'the archive has not seen the last submissions yet: the list ends before them',
    );
  if (skipped > 0)
    log.call(context.output, `${skipped} blocks of the archive's answers could not be used`);
  const settledIn = await readSettledIn(address, reading).catch((error: unknown) => {
    log.call(context.output, error instanceof Error ? error.message : String(error));
    return new Map<number, SettledIn>();
  });
  const untold = reading.history.state.count - settledIn.size;
  if (untold > 0)
    log.call(
      context.output,
      `the archive does not tell in which blocks ${untold} attestations went into the record`,
    );
  const { minDepth } = options;
  const attestations = reading.attestations
    .filter((each) => isDeep(each, minDepth))
    .map(({ index, attestation, transactionHash, blockHeight, ...each }): AttestationJson => {
      const settled = each.settled && isDeep(settledIn.get(index), minDepth);
      return {
        index,
        state: settled ? 'settled' : 'submitted',
        settled,
        statement: Statement.toJSON(attestation.statement),
        verifierKeyHash: attestation.verifierKeyHash.toString(),
        transaction: transactionHash,
        block: blockHeight,
        depth: each.depth,
        settledIn: settledIn.get(index),
      };
    });
  const { provedState, locked, contractKeyHash, blockHeight } = reading.contract;
  const account = {
    genuine: true,
    provedState,
    locked,
    contractKeyHash: contractKeyHash.toString(),
    height: blockHeight,
    archiveBehind: behind,
    skipped,
  };
  return { contract, account, attestations, reading };
}

function line({ index, settled, statement, block }: AttestationJson): string {
  const state = settled ? 'settled' : 'pending';
  return `${String(index).padStart(5)}  ${state}  block ${block ?? '?'}  input ${statement.inputHash}  output ${statement.outputHash}`;
}

function details(attestation: AttestationJson): string {
  const { index, settled, statement, verifierKeyHash, settledIn } = attestation;
  const { transaction, block, depth } = attestation;
  const settlement =
    settledIn &&
    `settlement:      ${settledIn.transactionHash}, block ${settledIn.blockHeight}, ${settledIn.depth} blocks on top, as the archive tells`;
  return [
    `attestation ${index}, ${settled ? 'settled' : 'pending'}`,
    ...Object.entries({ ...statement, verifierKeyHash }).map(
      ([name, value]) => `${`${name}:`.padEnd(17)}${value}`,
    ),
    `transaction:     ${transaction ?? '?'}, block ${block ?? '?'}, ${depth ?? '?'} blocks on top`,
    ...(settlement === undefined ? [] : [settlement]),
  ].join('\n');
}
