/** A node in a process of its own, as clients meet it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface SpawnedNode {
  url: string;
  accountManager: string;
  /** What it has written to stderr. */
  stderr: () => string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export async function spawnNode(
  data: string,
  blockSeconds = 0,
  blockRange = 10_000,
  cutsRanges = false,
): Promise<SpawnedNode> {
  const script = fileURLToPath(new URL('./serve.js', import.meta.url));
  const args = [data, String(blockSeconds), String(blockRange), cutsRanges ? 'cut' : ''];
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const line = await firstLine(child).catch(() => {
    throw Error(`spawnNode: the node did not start: ${stderr}`);
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  };
  return {
    ...(JSON.parse(line) as { url: string; accountManager: string }),
    stderr: () => stderr,
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.includes('\n')) return text.slice(0, text.indexOf('\n'));
  }
  throw Error('no output');
}

interface GraphqlResult {
  data?: Record<string, unknown> | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

export async function query(url: string, text: string, variables?: object): Promise<GraphqlResult> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: text, variables }),
  });
  return (await response.json()) as GraphqlResult;
}
