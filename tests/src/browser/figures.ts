/** What the page weighs and how long it takes, as the run measured it; printed at its end. */

const lines: [name: string, value: string, bound: string][] = [];

export function figure(name: string, value: number, unit: string, bound?: number): void {
  const text = unit === 'kB' || unit === 'MB' ? value.toFixed(0) : value.toFixed(2);
  lines.push([name, `${text} ${unit}`, bound === undefined ? '' : `at most ${bound} ${unit}`]);
}

export function printFigures(): void {
  const width = Math.max(...lines.map(([name]) => name.length));
  const rows = lines.map(
    ([name, value, bound]) => `${name.padEnd(width)}  ${value.padStart(10)}  ${bound}`,
  );
  process.stderr.write(`\nThe page in Chromium\n${rows.join('\n')}\n\n`);
}
