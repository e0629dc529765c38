import { PassThrough, Readable } from 'node:stream';
import type { Streams } from '../output.js';
import { run } from '../program.js';

export interface Ran {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** stdout as the one JSON object it must be. */
  json: () => Record<string, unknown>;
}

/** Runs the command in this process, on streams of its own. @param options.tty as if somebody typed `stdin` */
export function attensor(
  args: string[],
  stdin = '',
  options: { tty?: boolean } = {},
): Promise<Ran> {
  return capture((streams) => run(args, streams), stdin, options);
}

export async function capture(
  program: (streams: Streams) => Promise<number>,
  stdin = '',
  { tty = false }: { tty?: boolean } = {},
): Promise<Ran> {
  const [stdout, stderr] = [collect(), collect()];
  const exitCode = await program({
    stdin: Object.assign(Readable.from([stdin]), { isTTY: tty }),
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  const out = stdout.text();
  return {
    exitCode,
    stdout: out,
    stderr: stderr.text(),
    json: () => JSON.parse(out) as Record<string, unknown>,
  };
}

function collect() {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    stream,
    text: () => {
      const rest = stream.read() as Buffer | null;
      return Buffer.concat(rest === null ? chunks : [...chunks, rest]).toString('utf8');
    },
  };
}
