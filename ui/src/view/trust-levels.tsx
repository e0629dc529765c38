/** How far what the nodes say can be trusted: four levels, of which today's browser reaches three. */
import type { ChainView } from '../chain/read-chain.js';

interface Level {
  title: string;
  state: 'ok' | 'failed' | 'open';
  words: string;
}

export function trustLevels({ nodes, membership, block }: ChainView): Level[] {
  const answering = nodes.filter(({ error }) => error === undefined);
  const silent = nodes.length - answering.length;
  // several addresses of one host are one witness
  const hosts = new Set(answering.map(({ url }) => new URL(url).host)).size;
  return [
    {
      title: 'A node says so',
      state: 'ok',
      words: `${new URL(answering[0].url).host}, block ${block.height}.`,
    },
    {
      title: 'Several nodes agree',
      state: hosts > 1 ? 'ok' : 'open',
      words:
        (hosts > 1
          ? `${hosts} nodes report the same state.`
          : 'Only one node was asked, or answered.') +
        (silent > 0 ? ` ${silent} did not answer.` : ''),
    },
    membershipLevel(membership),
    {
      title: 'The chain’s own proof',
      state: 'open',
      words:
        'Not checked. Mina’s proof of the whole chain would show that this ledger follows all rules; ' +
        'daemons do not serve it in a form that a browser can verify today.',
    },
  ];
}

function membershipLevel({ staged, snarked }: ChainView['membership']): Level {
  const title = 'The account is in the block’s ledger';
  if (!staged) {
    return {
      title,
      state: 'failed',
      words:
        'The account’s hash, computed here, does not lead to the ledger hash of the block. ' +
        'The node is between two blocks, or what it reports about this account is not in its ledger.',
    };
  }
  const base = 'Its hash and Merkle path were computed here and lead to the block’s ledger hash';
  if (snarked === undefined) {
    return {
      title,
      state: 'ok',
      words: `${base}. The node did not give its position in the proved ledger.`,
    };
  }
  return {
    title,
    state: 'ok',
    words: snarked
      ? `${base}, and to that of the ledger which the chain’s proof covers.`
      : `${base}. It has changed since the ledger which the chain’s proof covers: the state is recent.`,
  };
}

const WORDS = { ok: 'yes', failed: 'no', open: 'no' };

export function TrustLevels({ view }: { view: ChainView }) {
  const levels = trustLevels(view);
  const reached = levels.filter(({ state }) => state === 'ok').length;
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
