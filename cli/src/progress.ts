/** Progress of long work: a line that redraws on a terminal, a line per stage elsewhere. */

const BAR_WIDTH = 24;
const REDRAW_MS = 1000;
/** Before this, an estimate of the time left says nothing. */
const MIN_SECONDS_FOR_ESTIMATE = 3;

/** `9 s`, `1:05`, `1:01:05`. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export class ProgressBar {
  private readonly start = performance.now();
  private readonly timer: NodeJS.Timeout | undefined;
  private fraction = 0;
  private stage = '';

  constructor(
    private readonly title: string,
    private readonly stream: NodeJS.WritableStream & { isTTY?: boolean; columns?: number },
  ) {
    if (!stream.isTTY) return;
    this.timer = setInterval(() => this.draw(), REDRAW_MS);
    this.timer.unref();
    this.draw();
  }

  /** @param fraction 0 to 1 @param stage what is going on, in words */
  update(fraction: number, stage = this.stage): void {
    const changed = stage !== this.stage;
    this.fraction = Math.min(1, Math.max(this.fraction, fraction));
    this.stage = stage;
    if (this.stream.isTTY) this.draw();
    else if (changed) this.stream.write(`${this.title}: ${stage} (${this.percent()})\n`);
  }

  close(): void {
    clearInterval(this.timer);
    if (this.stream.isTTY) this.stream.write('\r\x1b[K');
  }

  private percent(): string {
    return `${Math.round(100 * this.fraction)} %`;
  }

  private draw(): void {
    const elapsed = (performance.now() - this.start) / 1000;
    const estimate = elapsed >= MIN_SECONDS_FOR_ESTIMATE && this.fraction > 0.01;
    const left = estimate ? (elapsed * (1 - this.fraction)) / this.fraction : undefined;
    const filled = Math.round(BAR_WIDTH * this.fraction);
    const line = [
      `${this.title} [${'#'.repeat(filled)}${'-'.repeat(BAR_WIDTH - filled)}]`,
      this.percent().padStart(5),
      duration(elapsed),
      ...(left === undefined ? [] : [`${duration(left)} left`]),
      this.stage,
    ].join('  ');
    this.stream.write(`\r\x1b[K${line.slice(0, (this.stream.columns ?? 80) - 1)}`);
  }
}
