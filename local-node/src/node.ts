/** One running node: a chain, its server, and the clock that makes blocks. */
import type { Server } from 'node:http';
import { resolve } from 'node:path';
import { Cache } from 'o1js';
import { Chain, type Block } from './chain.js';
import { openDataDir } from './data-dir.js';
import { DEFAULT_BLOCK_RANGE } from './history.js';
import { graphqlSchema, rootValue } from './graphql.js';
import { internals, loadBases, WRAP_LOG_DOMAINS } from '@attensor/core/o1js';
import { createNodeServer, listen } from './server.js';
import { TestAccounts } from './test-accounts.js';

/** Options of `startNode`. */
export interface NodeOptions {
  /** Folder of the chain; made if it is not there. */
  data: string;
  /** 0 lets the system choose. */
  port: number;
  host: string;
  /** Seconds from block to block; 0 makes blocks only when asked. */
  blockSeconds: number;
  /** Also listen here; for clients that expect the account manager and the archive elsewhere. */
  morePorts?: number[];
  /** Blocks that the archive searches for one question, at most; as real archives do if not given. */
  blockRange?: number;
  /** Answers about the first of too many blocks, without a word, as some archives do, instead of refusing. */
  cutsRanges?: boolean;
  /** Of a new chain: funded test accounts, and MINA on each. */
  accounts: number;
  balance: number;
  /** Goes on without what is damaged or missing of the log, after keeping a copy of it. */
  acceptLoss?: boolean;
  /** Where what verification needs is kept; o1js's own cache if not given. */
  cache?: Cache;
  onBlock?: (block: Block) => void;
  log?: (line: string) => void;
}

/** A node that listens. */
export interface RunningNode {
  /** Where GraphQL is: `http://127.0.0.1:8080/graphql`. */
  url: string;
  /** Where the account manager is. */
  accountManager: string;
  port: number;
  chain: Chain;
  /** Stops listening, and closes the log. */
  close(): Promise<void>;
}

/** Length of a slot where blocks are made on demand only. */
const DEFAULT_SLOT_SECONDS = 1;

/** @throws AttensorError when the folder or the port can't be used */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { host, blockSeconds, log = () => undefined } = options;
  const dir = resolve(options.data);
  const slotMilliseconds = Math.round((blockSeconds || DEFAULT_SLOT_SECONDS) * 1000);
  const dataDir = await openDataDir(dir, { ...options, slotMilliseconds });
  const servers: Server[] = [];
  let chain: Chain | undefined;
  const stop = async () => {
    await Promise.all(servers.map(closed));
    await chain?.close();
    await dataDir.release();
  };
  try {
    const opened = await Chain.open(dataDir, options);
    chain = opened.chain;
    if (opened.copy !== undefined) {
      log(
        `went on without what is damaged or missing; the log as it was is kept in ${opened.copy}`,
      );
    } else if (opened.cut > 0) {
      log(`cut off ${opened.cut} bytes of an entry that was not acknowledged`);
    }
    const behind = chain.lastBlock.time - Date.now();
    if (behind > 0) {
      log(
        `the machine's clock is ${Math.ceil(behind / 1000)} s behind the last block: slots and times go on from there`,
      );
    }
    // where they cannot be loaded, the first verification computes them
    const cache = options.cache ?? Cache.FileSystemDefault;
    await loadBases(cache, { fp: [], fq: WRAP_LOG_DOMAINS }).catch(() => false);
    const services = {
      schema: graphqlSchema(),
      rootValue: rootValue(chain, await internals(), {
        startedAt: Date.now(),
        blockRange: options.blockRange ?? DEFAULT_BLOCK_RANGE,
        cutsRanges: options.cutsRanges,
      }),
      accounts: new TestAccounts(chain),
      makeBlock: () => opened.chain.makeBlock(),
      log,
    };
    const ports: number[] = [];
    for (const port of [options.port, ...(options.morePorts ?? [])]) {
      const server = createNodeServer(services);
      ports.push(await listen(server, port, host));
      servers.push(server);
    }
    const clock = startClock(opened.chain, blockSeconds, options);
    const origin = `http://${host.includes(':') ? `[${host}]` : host}:${ports[0]}`;
    return {
      url: `${origin}/graphql`,
      accountManager: origin,
      port: ports[0],
      chain,
      close: async () => {
        clearInterval(clock);
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function startClock(
  chain: Chain,
  blockSeconds: number,
  { onBlock, log }: Pick<NodeOptions, 'onBlock' | 'log'>,
): NodeJS.Timeout | undefined {
  if (blockSeconds <= 0) return undefined;
  return setInterval(() => {
    chain.makeBlock().then(onBlock, (error: unknown) => {
      log?.(error instanceof Error ? error.message : String(error));
    });
  }, blockSeconds * 1000);
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
