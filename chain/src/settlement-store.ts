/** Proofs of settlements in files: what one command proved, the next one finds. */
import { checked, writeAtomic } from '@attensor/core/files';
import type { ProofStore } from '@attensor/contracts';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JsonProof } from 'o1js';
import { z } from 'zod';

/** Kind, positions, and a hash of the statement. */
const NAME = /^((?:part|end)-\d+-\d+-\d+)\.json$/;

const schema: z.ZodType<JsonProof> = z.object({
  publicInput: z.array(z.string()),
  publicOutput: z.array(z.string()),
  maxProofsVerified: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  proof: z.string(),
});

/** @param address of the contract whose settlements these are */
export async function settlementStore(cacheDir: string, address: string): Promise<ProofStore> {
  const folder = join(cacheDir, 'settlements', address);
  await mkdir(folder, { recursive: true });
  const path = (name: string) => join(folder, `${name}.json`);
  return {
    async names() {
      const files = await readdir(folder);
      return files.flatMap((file) => NAME.exec(file)?.[1] ?? []);
    },
    async read(name) {
      try {
        const value: unknown = JSON.parse(await readFile(path(name), 'utf8'));
        const where = path(name);
        return checked(value, { schema, where, code: 'BAD_FILE', hint: 'It is made again' });
      } catch {
        return undefined; // absent or damaged: proved again
      }
    },
    write: (name, proof) => writeAtomic(path(name), JSON.stringify(proof)),
    remove: (name) => rm(path(name), { force: true }),
  };
}
