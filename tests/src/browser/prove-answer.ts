/** Proves an answer of the smallest model, for a browser suite that runs by itself. */
import { run } from '@attensor/cli';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ProvedAnswer } from '../run-folder.js';

const CHECKPOINT = fileURLToPath(new URL('../../../models/nano', import.meta.url));
const PROMPT = 'In';

export async function proveAnswer(folder: string): Promise<ProvedAnswer> {
  const attensor = async (...args: string[]): Promise<Record<string, unknown>> => {
    const [stdout, stderr] = [new PassThrough(), process.stderr];
    const exitCode = await run([...args, '--json'], { stdin: Readable.from(['']), stdout, stderr });
    const json = JSON.parse(String(stdout.read())) as Record<string, unknown>;
    if (exitCode !== 0) throw Error(`proveAnswer: ${args[0]}: ${JSON.stringify(json)}`);
    return json;
  };
  const modelDir = join(folder, 'model');
  const proofPath = join(folder, 'answer.json');
  await attensor('model', 'import', CHECKPOINT, '--out', modelDir);
  await attensor('model', 'commit', modelDir, '--capacity', '8');
  await attensor('keys', modelDir);
  const asked = ['--prompt', PROMPT, '--max-tokens', '5', '--reveal', '--out', proofPath];
  const { text } = await attensor('prove', modelDir, ...asked);
  return { modelDir, proofPath, prompt: PROMPT, answer: String(text) };
}
