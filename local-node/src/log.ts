/**
 * An append-only file of JSON entries, one a line, each behind the hash of its text. An entry that
 * `append` has returned from survives the loss of the process and of the machine's power.
 */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { AttensorError } from '@attensor/core';

const HASH_LENGTH = 16;

export class Log {
  private constructor(private readonly file: FileHandle) {}

  /**
   * Opens a log and reads what it holds. A last line that a crash left incomplete is cut off: nobody
   * was told that it is there.
   *
   * @throws AttensorError when an earlier line is damaged
   */
  static async open(path: string): Promise<{ log: Log; entries: unknown[]; cut: number }> {
    const file = await open(path, 'a+', 0o600);
    try {
      const text = await file.readFile('utf8');
      const lines = text.split('\n');
      const rest = lines.pop() ?? '';
      const entries: unknown[] = [];
      let whole = 0;
      for (const [index, line] of lines.entries()) {
        const entry = parse(line);
        if (entry === undefined && index === lines.length - 1 && rest === '') break;
        if (entry === undefined) throw damaged(path, index + 1);
        entries.push(entry.value);
        whole += Buffer.byteLength(line) + 1;
      }
      const cut = Buffer.byteLength(text) - whole;
      if (cut > 0) {
        await file.truncate(whole);
        await file.sync();
      }
      return { log: new Log(file), entries, cut };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Returns once the entry is on disk. */
  async append(entry: object): Promise<void> {
    const json = JSON.stringify(entry);
    await this.file.appendFile(`${hash(json)} ${json}\n`);
    await this.file.datasync();
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_LENGTH);
}

function parse(line: string): { value: unknown } | undefined {
  const json = line.slice(HASH_LENGTH + 1);
  return hash(json) === line.slice(0, HASH_LENGTH) ? { value: JSON.parse(json) } : undefined;
}

function damaged(path: string, line: number): AttensorError {
  return new AttensorError({
    code: 'BAD_DATA_DIR',
    what: 'a line of the transaction log is damaged',
    where: `${path}:${line}`,
    expected: 'the hash of the line, a space, the line',
    hint: 'restore the file from a backup, or start with an empty --data folder',
  });
}
