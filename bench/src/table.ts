/** A table as Markdown writes it: the first line is its head. */
export function table(lines: string[][]): string {
  const widths = lines[0].map((_, k) => Math.max(...lines.map((l) => l[k].length)));
  const line = (cells: string[]): string =>
    `| ${cells.map((cell, k) => cell.padEnd(widths[k])).join(' | ')} |`;
  const rule = line(widths.map((w) => '-'.repeat(w)));
  return [line(lines[0]), rule, ...lines.slice(1).map(line)].join('\n');
}
