/**
 * Where a command's words go. With `--json`, stdout carries exactly one JSON object: the result, or
 * `{"error": ...}`. Without, it carries the result as text. Everything else goes to stderr.
 */
import { ProgressBar } from './progress.js';

export interface Streams {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stdout: NodeJS.WritableStream & { isTTY?: boolean };
  stderr: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}

/** What a command produces. */
export interface Result {
  json: object;
  /** Empty if everything has been said already. */
  text: string;
}

export class Output {
  constructor(
    readonly streams: Streams,
    readonly json: boolean,
  ) {}

  /** The one result of a command. */
  result({ json, text }: Result): void {
    if (this.json) this.streams.stdout.write(`${JSON.stringify(json)}\n`);
    else if (text !== '') this.streams.stdout.write(`${text}\n`);
  }

  /** A line for whoever watches. */
  log(line: string): void {
    this.streams.stderr.write(`${line}\n`);
  }

  /** A machine-readable log record: one JSON line on stderr. */
  record(record: object): void {
    this.log(JSON.stringify(record));
  }

  /**
   * Text that is shown while it is made (a generated continuation). Without `--json` it is the
   * result, piece by piece.
   */
  stream(text: string): void {
    (this.json ? this.streams.stderr : this.streams.stdout).write(text);
  }

  /** Progress of one piece of work; `close()` it when the work ends, however it ends. */
  progress(title: string): ProgressBar {
    return new ProgressBar(title, this.streams.stderr);
  }
}
