/**
 * Everything that was accepted, a file each. A file is written whole, flushed and renamed, and so is its name in the folder: what a
 * client was told is there after a crash. A service has thousands of jobs of some kilobytes and asks nothing of them but one or
 * all: that needs no database, and no native library that is compiled or fetched when packages are installed.
 */
import { PRIVATE_FILE, readJson, writeAtomic } from '@attensor/core/files';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Job, jobSchema } from './job.js';

const NAME = /^[0-9a-f-]{36}\.json$/;

export class Journal {
  /** The last write of each job: the next one comes after it. */
  private readonly writes = new Map<string, Promise<void>>();

  private constructor(private readonly dir: string) {}

  static async open(dir: string): Promise<Journal> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return new Journal(dir);
  }

  /** All jobs, in the order in which they were accepted. @throws BAD_FILE */
  async read(): Promise<Job[]> {
    const jobs: Job[] = [];
    for (const name of await readdir(this.dir)) {
      const path = join(this.dir, name);
      // of a process that was killed while it wrote: nobody was told of it
      if (name.endsWith('.tmp')) await rm(path, { force: true });
      if (!NAME.test(name)) continue;
      const hint = 'It is damaged: move it away, and start the service again without this job';
      jobs.push(await readJson({ path, schema: jobSchema, code: 'BAD_FILE', hint }));
    }
    return jobs.sort((a, b) => a.number - b.number);
  }

  /** Returns when it would survive a crash. @throws WRITE_FAILED; then the journal says what it said before */
  save(job: Job): Promise<void> {
    const text = `${JSON.stringify(job)}\n`;
    return this.inOrder(job.id, async () => {
      await writeAtomic(this.path(job.id), text, PRIVATE_FILE);
      await this.flushNames();
    });
  }

  remove(id: string): Promise<void> {
    return this.inOrder(id, () => rm(this.path(id), { force: true }));
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.writes.size > 0) await Promise.allSettled(this.writes.values());
  }

  private path(id: string): string {
    return join(this.dir, `${id}.json`);
  }

  private inOrder(id: string, work: () => Promise<void>): Promise<void> {
    const before = this.writes.get(id) ?? Promise.resolve();
    const done = before.catch(() => undefined).then(work);
    this.writes.set(id, done);
    void done
      .catch(() => undefined)
      .then(() => {
        if (this.writes.get(id) === done) this.writes.delete(id);
      });
    return done;
  }

  private async flushNames(): Promise<void> {
    const folder = await open(this.dir, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
