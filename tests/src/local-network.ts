/** A node in a process of its own, an alias for it, and the commands run against it. */
import { run } from '@attensor/cli';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { PrivateKey } from 'o1js';

const MAIN = fileURLToPath(new URL('../../cli/dist/main.js', import.meta.url));

export function keyFile(key: PrivateKey): { publicKey: string; privateKey: string } {
  return { publicKey: key.toPublicKey().toBase58(), privateKey: key.toBase58() };
}

export class LocalNetwork {
  private constructor(
    /** with configuration and keys */
    readonly folder: string,
    readonly origin: string,
    private readonly node: ChildProcess,
  ) {}

  /** @param contract key of the contract's account; the alias is called `local` */
  static async start(folder: string, contract: PrivateKey): Promise<LocalNetwork> {
    const args = ['node', '--port', '0', '--data', join(folder, 'node'), '--block-seconds', '0'];
    const node = spawn(process.execPath, [MAIN, ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(node.stdout, 'data')) as [Buffer];
    const origin = (JSON.parse(line.toString()) as { accountManager: string }).accountManager;
    const network = new LocalNetwork(folder, origin, node);

    const { pk, sk } = (await (await fetch(`${origin}/acquire-account`)).json()) as {
      pk: string;
      sk: string;
    };
    await network.json('payer.json', { publicKey: pk, privateKey: sk });
    await network.json('contract.json', keyFile(contract));
    await network.json('config.json', {
      version: 1,
      deployAliases: {
        local: {
          networkId: 'testnet',
          url: network.url,
          keyPath: 'contract.json',
          feepayerKeyPath: 'payer.json',
          feepayerAlias: 'local',
          fee: '0.1',
        },
      },
    });
    return network;
  }

  /** GraphQL of daemon and archive. */
  get url(): string {
    return `${this.origin}/graphql`;
  }

  async stop(): Promise<void> {
    if (this.node.exitCode !== null) return;
    const exit = once(this.node, 'exit');
    this.node.kill('SIGTERM');
    await exit;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async json(name: string, value: object): Promise<void> {
    await writeFile(this.path(name), JSON.stringify(value));
  }

  /** Runs a command in this process: the contract is compiled once. */
  async attensor(...args: string[]) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const all = [...args, '--alias', 'local', '--config', this.path('config.json'), '--json'];
    const exitCode = await run(all, { stdin: Readable.from(['']), stdout, stderr });
    const text = String(stdout.read() ?? '');
    return {
      exitCode,
      json: JSON.parse(text) as Record<string, unknown>,
      log: String(stderr.read()),
    };
  }

  async makeBlock(): Promise<void> {
    await fetch(`${this.origin}/make-block`, { method: 'POST' });
  }

  /** Waits for work while blocks are made. */
  async withBlocks<T>(work: Promise<T>): Promise<T> {
    const timer = setInterval(() => void this.makeBlock(), 1000);
    return await work.finally(() => clearInterval(timer));
  }
}
