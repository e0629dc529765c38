/** Redis and PostgreSQL of Debian, each in a folder and on a port of its own: for one test suite or one measurement. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TestServer {
  readonly address: string;
  start(): Promise<void>;
  /** @param signal SIGKILL is what a crash is */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Stops it, and removes what it kept. */
  remove(): Promise<void>;
}

export const SERVERS = { redis: redisServer, postgres: postgresServer } as const;

const START_MS = 60_000;
/** As both say it. */
const READY = /ready to accept connections/i;

/** Keeps what it is told, also through a restart. */
export async function redisServer(): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-redis-'));
  const port = await freePort();
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir];
  const command = ['redis-server', ...args, '--appendonly', 'yes', '--appendfsync', 'always'];
  return runServer(`redis://127.0.0.1:${port}`, port, dir, command, 'SIGTERM');
}

export async function postgresServer(): Promise<TestServer> {
  const dir = await mkdtemp(join(tmpdir(), 'attensor-postgres-'));
  const port = await freePort();
  const bin = await postgresBin();
  const data = join(dir, 'data');
  await mkdir(data);
  let user: string[] = [];
  if (process.getuid?.() === 0) {
    // it refuses to run as root
    user = ['runuser', '-u', 'postgres', '--'];
    const [uid, gid] = ['-u', '-g'].map((flag) =>
      Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout),
    );
    for (const path of [dir, data]) await chown(path, uid, gid);
  }
  const run = (command: string[]) => {
    const { status, stderr } = spawnSync(command[0], command.slice(1), {
      encoding: 'utf8',
      cwd: dir,
    });
    if (status !== 0) throw Error(`${command.join(' ')}: ${stderr}`);
  };
  run([...user, join(bin, 'initdb'), '-D', data, '-U', 'attensor', '-A', 'trust', '--no-sync']);
  const command = [...user, join(bin, 'postgres'), '-D', data, '-p', `${port}`, '-k', dir];
  const address = `postgres://attensor@127.0.0.1:${port}/postgres`;
  return runServer(address, port, dir, command, 'SIGINT');
}

async function runServer(
  address: string,
  port: number,
  dir: string,
  command: string[],
  end: NodeJS.Signals,
): Promise<TestServer> {
  let child: ChildProcess | undefined;
  const server: TestServer = {
    address,
    async start() {
      let output = '';
      const launch = () => {
        // a group of its own: `runuser` passes no SIGKILL on
        const started = spawn(command[0], command.slice(1), { cwd: dir, detached: true });
        for (const stream of [started.stdout, started.stderr])
          stream.on('data', (data) => (output += data));
        started.once('error', (error) => (output += error.message));
        return started;
      };
      child = launch();
      for (const began = Date.now(); !READY.test(output); await sleep(50)) {
        if (Date.now() - began > START_MS) throw Error(`${command[0]} does not start: ${output}`);
        // what a killed PostgreSQL leaves must end first
        if (child.exitCode !== null) child = launch();
      }
    },
    async stop(signal = end) {
      const running = child;
      child = undefined;
      if (running?.pid === undefined || running.exitCode !== null) return;
      const ended = new Promise((resolve) => running.once('exit', resolve));
      process.kill(-running.pid, signal);
      await ended;
      while (await answers(port)) await sleep(50);
    },
    async remove() {
      await server.stop('SIGKILL');
      await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  await server.start();
  return server;
}

async function postgresBin(): Promise<string> {
  const root = '/usr/lib/postgresql';
  const versions = (await readdir(root).catch(() => [])).map(Number).sort((a, b) => b - a);
  if (versions.length === 0) throw Error("PostgreSQL is missing: install Debian's postgresql");
  return join(root, `${versions[0]}`, 'bin');
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.unref();
    socket.once('connect', () => socket.destroy());
  });
}
