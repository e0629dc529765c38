/** The levels of trust, and how many are reached. */
import type { ChainView } from '../chain/read-chain.js';
import { reachedLevels, trustLevels } from '../chain/trust.js';

const WORDS = { ok: 'yes', failed: 'no', open: 'open' };

export function TrustLevels({ view }: { view: ChainView }) {
  const levels = trustLevels(view);
  const reached = reachedLevels(levels);
  return (
    <details class="trust" open={levels.some(({ state }) => state === 'failed')}>
      <summary>
        How sure is this?{' '}
        <span class="meter" aria-hidden="true">
          {'●'.repeat(reached)}
          {'○'.repeat(levels.length - reached)}
        </span>{' '}
        <span class="hint">
          {reached} of {levels.length} levels
        </span>
      </summary>
      <ol class="steps" start={0}>
        {levels.map(({ title, state, words }) => (
          <li key={title} class={state}>
            <span class="badge">{WORDS[state]}</span> <strong>{title}.</strong> {words}
          </li>
        ))}
      </ol>
      <p class="hint">
        The proof itself needs none of this: it is verified here, whatever a node says. What the
        contract is committed to is what these levels are about.
      </p>
    </details>
  );
}
