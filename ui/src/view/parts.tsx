/** Small pieces that several parts of the page use. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ErrorView } from '../errors.js';

export const short = (text: string, head = 8, tail = 6): string =>
  text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;

/** A long value: its ends to look at, all of it to copy. */
export function Value({ label, text }: { label: string; text: string }) {
  return (
    <div class="value">
      <dt>{label}</dt>
      <dd>
        <code title={text}>{short(text, 12, 8)}</code>
        <Copy text={text} label={label} />
      </dd>
    </div>
  );
}

export function Copy({
  text,
  label,
  words = 'copy',
}: {
  text: string;
  label: string;
  words?: string;
}) {
  const [state, setState] = useState<'' | 'copied' | 'failed'>('');
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => setState('copied'),
      () => setState('failed'),
    );
    setTimeout(() => setState(''), 2000);
  };
  return (
    <button type="button" class="quiet" onClick={copy} aria-label={`Copy ${label}`}>
      {state === '' ? words : state === 'copied' ? 'copied' : 'not copied'}
    </button>
  );
}

export function Problem({ error, children }: { error: ErrorView; children?: ComponentChildren }) {
  const { code, what, where, expected, got, hint } = error;
  return (
    <div class="problem" role="alert">
      <p>
        <strong>{sentence(what)}</strong>
      </p>
      {hint !== undefined && <p>{sentence(hint)}</p>}
      <details>
        <summary>Details</summary>
        <dl>
          {Object.entries({ code, where, expected, got })
            .filter(([, text]) => text !== undefined)
            .map(([name, text]) => (
              <div class="value" key={name}>
                <dt>{name}</dt>
                <dd>
                  <code>{text}</code>
                </dd>
              </div>
            ))}
        </dl>
      </details>
      {children}
    </div>
  );
}

export function sentence(text: string): string {
  const [first = '', ...rest] = text;
  return `${first.toUpperCase()}${rest.join('')}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** Where an attestation was submitted, as the archive tells. */
export function blockWords({ height, depth }: { height?: number; depth?: number }): string {
  if (height === undefined) return 'in a block that is not known now';
  return `block ${height}, ${depth === 0 ? 'the last one' : `${depth} on top`}`;
}

export function ago(time: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  const units = [
    [86_400, 'day'],
    [3600, 'hour'],
    [60, 'minute'],
  ] as const;
  for (const [size, name] of units) {
    const count = Math.floor(seconds / size);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'} ago`;
  }
  return 'just now';
}
