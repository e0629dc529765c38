import { type Command, InvalidArgumentError } from 'commander';
import { cancellable, command, positiveInteger, stopped, type Session } from '../command.js';

interface Options {
  port: number;
  data: string;
  blockSeconds: number;
  host: string;
  accounts: number;
  balance: number;
  blockRange: number;
  cutRanges?: boolean;
  lightnetPorts?: boolean;
  acceptLoss?: boolean;
  cache?: string;
}

/** Where zkapp-cli and o1js's examples look for lightnet's account manager and archive. */
const LIGHTNET_PORTS = [8181, 8282];

export function nodeCommand(session: Session): Command {
  return command('node', 'Run a local Mina node: daemon, archive and test accounts over HTTP')
    .option('--port <n>', 'port to listen on; 0 lets the system choose', port, 8080)
    .option('--data <dir>', 'folder of the chain; created if it does not exist', '.attensor/node')
    .option(
      '--block-seconds <n>',
      'seconds between blocks; with 0, only the mutation makeBlock or POST /make-block makes blocks',
      seconds,
      10,
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--accounts <n>', 'funded test accounts of a new chain', positiveInteger, 20)
    .option('--balance <mina>', 'MINA on each of them', positiveInteger, 1550)
    .option(
      '--block-range <n>',
      'blocks that the archive searches for one question, at most; more is refused, as real archives do',
      positiveInteger,
      10_000,
    )
    .option(
      '--cut-ranges',
      'answer about the first blocks of a range that is too large, without a word, instead of refusing it',
    )
    .option(
      '--cache <dir>',
      'where reference strings for verification are kept (default: $ATTENSOR_CACHE or ~/.cache/attensor)',
    )
    .option(
      '--accept-loss',
      'go on without what is damaged or missing of the log, after keeping a copy of it',
    )
    .option('--lightnet-ports', `also listen on ${LIGHTNET_PORTS.join(' and ')}, as lightnet does`)
    .addHelpText(
      'after',
      `
Runs until Ctrl-C. Anyone who reaches the port can use the test accounts' keys: keep it on the loopback address.
JSON, once it listens: {url, accountManager, height, accounts, data}.`,
    )
    .action(
      cancellable<Options>(session, async ({ output, signal }, options) => {
        const { startNode } = await import('@attensor/local-node');
        const { keyCache } = await import('@attensor/core/o1js');
        const node = await startNode({
          ...options,
          cache: keyCache(options.cache),
          cutsRanges: options.cutRanges,
          morePorts: options.lightnetPorts ? LIGHTNET_PORTS : [],
          log: (line) => output.log(line),
          onBlock: ({ height, transactions }) => {
            if (transactions.length === 0) return;
            const failed = transactions.filter(({ failures }) => failures.length > 0).length;
            output.log(
              `block ${height}: ${transactions.length} transactions${failed > 0 ? `, ${failed} failed` : ''}`,
            );
          },
        });
        const { url, accountManager, chain } = node;
        output.result({
          json: {
            url,
            accountManager,
            height: chain.lastBlock.height,
            accounts: chain.genesis.accounts.length,
            data: options.data,
          },
          text: `GraphQL ${url}\nblock ${chain.lastBlock.height}, Ctrl-C stops`,
        });
        await stopped(signal);
        await node.close();
        return { json: {}, text: '', printed: true };
      }),
    );
}

/** A port to listen on. */
export function port(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value < 65_536) return value;
  throw new InvalidArgumentError(`expected a port, got '${text}'`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value <= 86_400) return value;
  throw new InvalidArgumentError(`expected seconds, got '${text}'`);
}
