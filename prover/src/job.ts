/**
 * What an interrupted proof leaves behind: the protocol's messages and finished segment proofs, in a directory named by what is
 * proved. They hold private values: only the owner may read them, and they are removed when the proof is whole.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomic } from './model/commitment.js';
import { P } from './protocol/field.js';

const PRIVATE_FILE = 0o600;
const PRIVATE_DIR = 0o700;

export class Job {
  private constructor(
    readonly dir: string,
    /** an earlier run left something */
    readonly found: boolean,
  ) {}

  static async open(root: string, key: string[]): Promise<Job> {
    const dir = join(root, createHash('sha256').update(key.join('\n')).digest('hex').slice(0, 32));
    const found = existsSync(join(dir, 'messages.bin'));
    await mkdir(dir, { recursive: true, mode: PRIVATE_DIR });
    await chmod(dir, PRIVATE_DIR);
    return new Job(dir, found);
  }

  /** Messages followed by their digest: a damaged file counts as absent. */
  async messages(): Promise<bigint[] | undefined> {
    const data = await readFile(join(this.dir, 'messages.bin')).catch(() => undefined);
    if (!data || data.length < 32 || data.length % 32 !== 0) return undefined;
    const body = data.subarray(0, data.length - 32);
    if (
      !createHash('sha256')
        .update(body)
        .digest()
        .equals(data.subarray(data.length - 32))
    )
      return undefined;
    const out: bigint[] = [];
    for (let i = 0; i < body.length; i += 32) {
      const v = BigInt(`0x${body.toString('hex', i, i + 32)}`);
      if (v >= P) return undefined;
      out.push(v);
    }
    return out;
  }

  async keepMessages(messages: bigint[]): Promise<void> {
    const body = Buffer.from(messages.map((m) => m.toString(16).padStart(64, '0')).join(''), 'hex');
    const digest = createHash('sha256').update(body).digest();
    await writeAtomic(join(this.dir, 'messages.bin'), Buffer.concat([body, digest]), PRIVATE_FILE);
  }

  async proof(segment: number): Promise<unknown> {
    const text = await readFile(join(this.dir, `segment-${segment}.json`), 'utf8').catch(
      () => undefined,
    );
    try {
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    } catch {
      return undefined; // damaged: proved again
    }
  }

  async keepProof(segment: number, json: unknown): Promise<void> {
    await writeAtomic(
      join(this.dir, `segment-${segment}.json`),
      JSON.stringify(json),
      PRIVATE_FILE,
    );
  }

  async done(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}
