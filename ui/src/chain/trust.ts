/** How far what the nodes say can be trusted: four levels, each on top of the ones before; today's browser reaches three. */
import type { ChainView } from './read-chain.js';

export interface Level {
  title: string;
  state: 'ok' | 'failed' | 'open';
  words: string;
}

/** Are its submissions those of a genuine contract that is in the block's ledger? If not, nobody should rely on them. */
export const isReliable = ({ genuine, membership }: ChainView): boolean =>
  genuine && membership?.staged === true;

const hostOf = (url: string): string => new URL(url).host;

export function trustLevels(view: ChainView): Level[] {
  const answering = view.nodes.find(({ error }) => error === undefined);
  return [
    {
      title: 'A node says so',
      state: 'ok',
      words: `${answering === undefined ? 'It' : hostOf(answering.url)}, block ${view.block.height}.`,
    },
    ledgerLevel(view),
    ownersLevel(view),
    {
      title: 'The chain’s own proof',
      state: 'open',
      words:
        'Not checked. Mina’s proof of the whole chain would show that this block follows all rules; ' +
        'daemons do not serve it in a form that a browser can verify today.',
    },
  ];
}

/** Levels that hold with all before them: a later one alone is worth nothing. */
export function reachedLevels(levels: readonly Level[]): number {
  const first = levels.findIndex(({ state }) => state !== 'ok');
  return first === -1 ? levels.length : first;
}

function ledgerLevel({ membership, genuine }: ChainView): Level {
  const title = 'The account is in the block’s ledger';
  if (membership === undefined) {
    return {
      title,
      state: 'open',
      words: genuine
        ? 'Not checked: when the account last took a submission is part of its hash, and only an archive tells.'
        : 'Not checked, because this is not an Attensor contract.',
    };
  }
  const { staged, snarked } = membership;
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
  const proved =
    snarked === undefined
      ? '. The node did not give its position in the proved ledger.'
      : snarked
        ? ', and to that of the ledger which the chain’s proof covers.'
        : '. It has changed since the ledger which the chain’s proof covers: the state is recent.';
  return {
    title,
    state: 'ok',
    words: `${base}${proved} That this block is Mina’s is the node’s word.`,
  };
}

function ownersLevel({ nodes, owners, foreign }: ChainView): Level {
  const title = 'Nodes of several owners agree';
  const silent = nodes.filter(({ error }) => error !== undefined).length;
  const rest = silent > 0 ? ` ${silent} did not answer.` : '';
  if (foreign) {
    return {
      title,
      state: 'open',
      words: `A link or you named the nodes, not this site: together they are one witness, whoever named them.${rest}`,
    };
  }
  if (owners.length < 2) {
    const one = owners.length === 1 ? `: ${owners[0]}` : '';
    return {
      title,
      state: 'open',
      words: `Those that answered may belong to one owner${one}. Addresses count as different owners’ only under different registered domains.${rest}`,
    };
  }
  return {
    title,
    state: 'ok',
    words: `They report the same state under ${owners.length} registered domains: ${owners.join(', ')}. This site chose them; that they do not act together is its word.${rest}`,
  };
}
