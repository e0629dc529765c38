/** Plots as SVG: points and power laws on logarithmic axes, readable on a light and on a dark page. */
import { present } from '@attensor/core';
import type { PowerLaw } from './scaling/fit.js';

interface Series {
  name: string;
  points: [x: number, y: number][];
  law: PowerLaw;
}

/** One cost against the plot's size. */
export interface Panel {
  title: string;
  series: Series[];
}

const PANEL = { width: 300, height: 220, left: 62, right: 12, top: 44, bottom: 46 };
const LEGEND_LINE = 18;
const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .axis { stroke: #6e7781; fill: none }
  .grid { stroke: #6e7781; stroke-opacity: .25 }
  .s0 { stroke: #0969da; fill: #0969da }
  .s1 { stroke: #bc4c00; fill: #bc4c00 }
  line.s0, line.s1 { stroke-width: 1.5; stroke-dasharray: 5 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .s0 { stroke: #58a6ff; fill: #58a6ff }
    .s1 { stroke: #f0883e; fill: #f0883e }
  }`;

/** A logarithmic axis from `from` to `to` pixels. */
class LogAxis {
  readonly low: number;
  readonly high: number;
  constructor(
    values: number[],
    readonly from: number,
    readonly to: number,
  ) {
    const [least, most] = [Math.min(...values), Math.max(...values)];
    // room beside the outermost points, and an axis for values that are all the same
    const room = Math.max((most / least) ** 0.08, 1.15);
    [this.low, this.high] = [least / room, most * room];
  }

  at = (value: number): number =>
    this.from +
    ((this.to - this.from) * Math.log(value / this.low)) / Math.log(this.high / this.low);

  /** 1, 2, 5 times powers of ten if the axis has three of them, else round numbers at equal steps. */
  ticks(): number[] {
    for (const steps of [[1], [1, 2, 5]]) {
      const ticks: number[] = [];
      for (let e = Math.floor(Math.log10(this.low)); 10 ** e <= this.high; e++)
        ticks.push(...steps.map((m) => m * 10 ** e).filter((t) => t >= this.low && t <= this.high));
      if (ticks.length >= LEAST_TICKS) return ticks;
    }
    const decade = 10 ** Math.floor(Math.log10(this.high - this.low));
    const count = (step: number): number =>
      Math.floor(this.high / step) - Math.ceil(this.low / step) + 1;
    const step = present(
      [1, 0.5, 0.2, 0.1].map((m) => m * decade).find((s) => count(s) >= LEAST_TICKS),
      'a step of the axis',
    );
    const first = Math.ceil(this.low / step);
    return Array.from({ length: count(step) }, (_, k) => (first + k) * step);
  }
}

const LEAST_TICKS = 3;

const shortNumber = (n: number): string => {
  const [divisor, unit] =
    n >= 1e9 ? [1e9, 'G'] : n >= 1e6 ? [1e6, 'M'] : n >= 1e4 ? [1e3, 'k'] : [1, ''];
  return `${Number((n / divisor).toPrecision(4))}${unit}`;
};
const escaped = (s: string): string =>
  s.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** @param size name of what grows along x */
export function logLogPlot(title: string, size: string, panels: Panel[]): string {
  const names = panels[0].series.map((s) => s.name);
  const width = panels.length * PANEL.width;
  const below = 16 + LEGEND_LINE * names.length;
  const height = below + PANEL.height + LEGEND_LINE * names.length;
  const legend = names.map((name, k) => labelled(name, k, PANEL.left, 16 + LEGEND_LINE * (k + 1)));
  const drawn = panels.map(
    (p, k) => `<g transform="translate(${k * PANEL.width} ${below})">${panel(p, size)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>${STYLE}
</style>
<text class="title" x="${PANEL.left}" y="16">${escaped(title)}</text>
${[...legend, ...drawn].join('\n')}
</svg>
`;
}

function panel({ title, series }: Panel, size: string): string {
  const points = series.flatMap((s) => s.points);
  const [left, right] = [PANEL.left, PANEL.width - PANEL.right];
  const [top, bottom] = [PANEL.top, PANEL.height - PANEL.bottom];
  const x = new LogAxis(
    points.map(([v]) => v),
    left,
    right,
  );
  const y = new LogAxis(
    points.map(([, v]) => v),
    bottom,
    top,
  );
  const out = [
    `<text x="${left}" y="${top - 12}">${escaped(title)}</text>`,
    `<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`,
    `<text x="${(left + right) / 2}" y="${bottom + 36}" text-anchor="middle">${escaped(size)}</text>`,
  ];
  // every size that was measured is a tick
  for (const value of [...new Set(points.map(([v]) => v))])
    out.push(
      `<line class="grid" x1="${px(x.at(value))}" y1="${top}" x2="${px(x.at(value))}" y2="${bottom}"/>`,
      `<text x="${px(x.at(value))}" y="${bottom + 17}" text-anchor="middle">${shortNumber(value)}</text>`,
    );
  for (const value of y.ticks())
    out.push(
      `<line class="grid" x1="${left}" y1="${px(y.at(value))}" x2="${right}" y2="${px(y.at(value))}"/>`,
      `<text x="${left - 6}" y="${px(y.at(value) + 4)}" text-anchor="end">${shortNumber(value)}</text>`,
    );
  series.forEach(({ points: own, law }, k) => {
    const css = `s${k % 2}`;
    const sizes = own.map(([v]) => v);
    const [from, to] = [Math.min(...sizes), Math.max(...sizes)];
    const on = (v: number): number => y.at(law.factor * v ** law.exponent);
    out.push(
      `<line class="${css}" x1="${px(x.at(from))}" y1="${px(on(from))}" x2="${px(x.at(to))}" y2="${px(on(to))}"/>`,
      ...own.map(
        ([a, b]) => `<circle class="${css}" cx="${px(x.at(a))}" cy="${px(y.at(b))}" r="3.5"/>`,
      ),
    );
    out.push(
      labelled(`exponent ${law.exponent.toFixed(2)}`, k, left, bottom + 36 + LEGEND_LINE * (k + 1)),
    );
  });
  return out.join('\n');
}

/** A text beside a point of series k. */
const labelled = (text: string, k: number, x: number, y: number): string =>
  `<circle class="s${k % 2}" cx="${x + 4}" cy="${y - 4}" r="3.5"/>\n<text x="${x + 14}" y="${y}">${escaped(text)}</text>`;

const px = (n: number): string => n.toFixed(1);
