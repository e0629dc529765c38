/** When the answers came: a dot each. The list below says the same in words. */
import type { AttestationView } from '../chain/read-chain.js';

interface Props {
  attestations: AttestationView[];
  selected?: string;
  onSelect: (outputHash: string) => void;
}

const WIDTH = 620;
const HEIGHT = 96;
const MARGIN = 24;
const BASE = 60;
const RADIUS = 6;

export function Timeline({ attestations, selected, onSelect }: Props) {
  const times = attestations.map(({ time }) => time);
  // not by arguments: there may be hundreds of thousands
  const from = times.reduce((a, b) => Math.min(a, b));
  const to = times.reduce((a, b) => Math.max(a, b));
  const x = (time: number): number =>
    to === from ? WIDTH / 2 : MARGIN + ((time - from) / (to - from)) * (WIDTH - 2 * MARGIN);
  // dots that would cover each other are stacked
  const stack = new Map<number, number>();
  const dots = attestations.map((each) => {
    const column = Math.round(x(each.time) / (2 * RADIUS + 2));
    const level = stack.get(column) ?? 0;
    stack.set(column, level + 1);
    return {
      each,
      cx: x(each.time),
      cy: BASE - RADIUS - 4 - Math.min(level, 3) * (2 * RADIUS + 1),
    };
  });
  const date = (time: number): string =>
    new Date(time).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return (
    <figure class="timeline">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${attestations.length} attested answers from ${date(from)} to ${date(to)}`}
      >
        <line x1={MARGIN} x2={WIDTH - MARGIN} y1={BASE} y2={BASE} class="axis" />
        {dots.map(({ each, cx, cy }) => (
          <circle
            key={each.index}
            cx={cx}
            cy={cy}
            r={RADIUS}
            class={`${each.settled ? 'ok' : 'open'}${each.outputHash === selected ? ' selected' : ''}`}
            onClick={() => onSelect(each.outputHash)}
          >
            <title>{`#${each.index}, ${date(each.time)}, ${each.settled ? 'settled' : 'pending'}`}</title>
          </circle>
        ))}
        <text
          x={to === from ? WIDTH / 2 : MARGIN}
          y={BASE + 20}
          class={to === from ? 'middle' : 'start'}
        >
          {date(from)}
        </text>
        {to !== from && (
          <text x={WIDTH - MARGIN} y={BASE + 20} class="end">
            {date(to)}
          </text>
        )}
      </svg>
      <figcaption class="legend">
        <span class="ok">settled</span> <span class="open">pending</span>
      </figcaption>
    </figure>
  );
}
