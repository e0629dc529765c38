/**
 * Who may ask. A key is shown once, when it is made; what is kept is its hash. Keys have 256 random bits, so a fast hash of them
 * cannot be searched.
 */
import { AttensorError } from '@attensor/core';
import { PRIVATE_FILE, readJson, writeAtomic } from '@attensor/core/files';
import { lock } from '@attensor/core/lock';
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const PREFIX = 'attensor';
const KEY = /^attensor-([0-9a-f]{12})-([A-Za-z0-9_-]{43})$/;

const keySchema = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** of the whole key, SHA-256 */
  hash: z.string(),
  created: z.iso.datetime(),
  /** requests a minute; the service's own limit if absent */
  perMinute: z.number().int().positive().optional(),
  /** `answers`: all but the metrics; `metrics`: nothing but them */
  use: z.enum(['answers', 'metrics']),
});
export type ApiKey = z.infer<typeof keySchema>;
const fileSchema = z.strictObject({
  format: z.literal('attensor-api-keys'),
  version: z.literal(1),
  keys: z.array(keySchema),
});

const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest();

/** The keys in a service's folder. */
export class ApiKeys {
  private byId = new Map<string, ApiKey>();
  private read = '';

  private constructor(private readonly path: string) {}

  /** @throws BAD_FILE */
  static async open(dataDir: string): Promise<ApiKeys> {
    const keys = new ApiKeys(join(dataDir, 'keys.json'));
    await keys.refresh();
    return keys;
  }

  /** Reads the file again if it is another one now. @throws BAD_FILE; then the keys stay as they were */
  async refresh(): Promise<void> {
    const found = await stat(this.path, { bigint: true }).catch(() => undefined);
    const mark = found === undefined ? '' : `${found.ino} ${found.mtimeNs}`;
    if (mark === this.read) return;
    const keys =
      found === undefined
        ? []
        : (
            await readJson({
              path: this.path,
              schema: fileSchema,
              code: 'BAD_FILE',
              hint: 'Make the keys again: attensor serve keys add',
            })
          ).keys;
    this.byId = new Map(keys.map((key) => [key.id, key]));
    this.read = mark;
  }

  get list(): ApiKey[] {
    return [...this.byId.values()];
  }

  /** @param given what follows `Bearer` */
  find(given: string): ApiKey | undefined {
    const key = this.byId.get(KEY.exec(given)?.[1] ?? '');
    if (key === undefined) return undefined;
    return timingSafeEqual(hashOf(given), Buffer.from(key.hash, 'hex')) ? key : undefined;
  }

  /** @returns the key itself, which is kept nowhere */
  async add(
    options: Pick<ApiKey, 'name' | 'use' | 'perMinute'>,
  ): Promise<{ key: string; id: string }> {
    const id = randomBytes(6).toString('hex');
    const key = `${PREFIX}-${id}-${randomBytes(32).toString('base64url')}`;
    const hash = hashOf(key).toString('hex');
    const created = new Date().toISOString();
    await this.change((keys) => [...keys, { ...options, id, hash, created }]);
    return { key, id };
  }

  /** @throws NOT_FOUND */
  async revoke(id: string): Promise<void> {
    await this.change((keys) => {
      if (!keys.some((key) => key.id === id))
        throw new AttensorError({
          code: 'NOT_FOUND',
          what: 'there is no key with this id',
          where: this.path,
          got: id,
          hint: 'attensor serve keys list',
        });
      return keys.filter((key) => key.id !== id);
    });
  }

  private async change(change: (keys: ApiKey[]) => ApiKey[]): Promise<void> {
    await mkdir(join(this.path, '..'), { recursive: true, mode: 0o700 });
    const release = await lock(`${this.path}.lock`, 'command');
    try {
      await this.refresh();
      const keys = change(this.list);
      const text = JSON.stringify({ format: 'attensor-api-keys', version: 1, keys }, null, 2);
      await writeAtomic(this.path, `${text}\n`, PRIVATE_FILE);
      await this.refresh();
    } finally {
      await release();
    }
  }
}
