/**
 * A model's folder while a service answers from it. What is in memory belongs to the files as they were: once they are others,
 * nothing is answered any more, since answers, proofs and commitment would no longer be of one model.
 */
import { AttensorError } from '@attensor/core';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

const COMMITMENT = 'commitment.json';
/** Between two looks. */
const FRESH_MS = 1000;

export class ModelGuard {
  private checkedAt = performance.now();
  private changed: string | undefined;

  private constructor(
    private readonly dir: string,
    private readonly files: ReadonlyMap<string, string>,
    private readonly commitment: unknown,
    private readonly freshMs: number,
  ) {}

  /** Notes the files as they are. @param freshMs how long a look at them counts */
  static async open(dir: string, freshMs = FRESH_MS): Promise<ModelGuard> {
    return new ModelGuard(dir, await marks(dir), await commitmentIn(dir), freshMs);
  }

  /** @throws MODEL_CHANGED, from the first change on */
  async check(): Promise<void> {
    if (this.changed === undefined && performance.now() - this.checkedAt >= this.freshMs) {
      this.changed = await this.difference();
      this.checkedAt = performance.now();
    }
    if (this.changed === undefined) return;
    throw new AttensorError({
      code: 'MODEL_CHANGED',
      what: "the model's folder was changed after the service had started",
      where: join(this.dir, this.changed),
      hint: 'Whoever runs the service must start it again',
    });
  }

  /** @returns the name of a file that is another one now */
  private async difference(): Promise<string | undefined> {
    const now = await marks(this.dir).catch(() => new Map<string, string>());
    const names = new Set([...this.files.keys(), ...now.keys()]);
    for (const name of names) {
      if (now.get(name) === this.files.get(name)) continue;
      if (name === COMMITMENT && (await this.onlyKeyAdded())) continue;
      return name;
    }
    return undefined;
  }

  /** The prover writes the verifier key's hash when it has compiled the circuits. */
  private async onlyKeyAdded(): Promise<boolean> {
    const now = (await commitmentIn(this.dir)) as Record<string, unknown> | undefined;
    const then = this.commitment as Record<string, unknown> | undefined;
    if (now === undefined || then === undefined) return false;
    const names = new Set([...Object.keys(now), ...Object.keys(then)]);
    if (then.verifierKeyHash === undefined) names.delete('verifierKeyHash');
    return [...names].every((name) => now[name] === then[name]);
  }
}

/** By path of a file: what changes with it. */
async function marks(dir: string): Promise<Map<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found = new Map<string, string>();
  for (const entry of entries) {
    // files that are being written have such names, and become others when they are whole
    if (entry.isDirectory() || entry.name.endsWith('.tmp')) continue;
    const path = join(entry.parentPath ?? entry.path, entry.name);
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    found.set(path.slice(dir.length + 1), `${ino} ${size} ${mtimeNs}`);
  }
  return found;
}

async function commitmentIn(dir: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(dir, COMMITMENT), 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
