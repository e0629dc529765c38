/** The attested answers: a timeline to look at, a list to read, links to share. */
import { useState } from 'preact/hooks';
import type { AttestationView, ChainView } from '../chain/read-chain.js';
import { isReliable } from '../chain/trust.js';
import { linkOf, type Source } from '../link.js';
import { ago, blockWords, Copy, short, Value } from './parts.js';
import { Timeline } from './timeline.js';

interface Props {
  view: ChainView;
  source: Source;
  /** output hash */
  selected?: string;
  onSelect: (outputHash: string | undefined) => void;
}

const PAGE = 10;

const NONE = {
  none: 'None yet.',
  unknown: 'Not known, because the archive did not give them.',
  foreign: 'Not shown: this is not an Attensor contract, so nothing that it lists was attested.',
};

export function Attestations({ view, source, selected, onSelect }: Props) {
  const [shown, setShown] = useState(PAGE);
  const newest = [...view.attestations].reverse();
  const chosen = newest.findIndex(({ outputHash }) => outputHash === selected);
  const visible = newest.slice(0, Math.max(shown, chosen + 1));
  const reliable = isReliable(view);
  return (
    <section aria-labelledby="attestations-title">
      <h2 id="attestations-title">{reliable ? 'Attested answers' : 'Submissions'}</h2>
      {newest.length === 0 ? (
        <p>{NONE[view.genuine ? (view.archiveError ? 'unknown' : 'none') : 'foreign']}</p>
      ) : (
        <>
          <p class="hint">
            {reliable
              ? 'The list is complete up to this block, because it was checked against the account. Times and transactions are only the archive’s word.'
              : 'This is what a node and an archive say. The account was not found in the block’s ledger, so do not rely on any of it.'}
          </p>
          <Timeline attestations={view.attestations} selected={selected} onSelect={onSelect} />
          {selected !== undefined && chosen === -1 && (
            <p class="problem" role="alert">
              The attestation that the link means is not among them.
            </p>
          )}
          <ul class="attestations">
            {visible.map((each) => (
              <Item
                key={each.index}
                attestation={each}
                reliable={reliable}
                now={view.block.time}
                open={each.outputHash === selected}
                link={new URL(linkOf(source, each.outputHash), location.href).href}
                onToggle={(open) => onSelect(open ? each.outputHash : undefined)}
              />
            ))}
          </ul>
          {visible.length < newest.length && (
            <button type="button" onClick={() => setShown(shown + PAGE)}>
              Older ones
            </button>
          )}
        </>
      )}
    </section>
  );
}

interface ItemProps {
  attestation: AttestationView;
  /** of a genuine contract that is in the ledger */
  reliable: boolean;
  now: number;
  open: boolean;
  link: string;
  onToggle: (open: boolean) => void;
}

function Item({ attestation, reliable, now, open, link, onToggle }: ItemProps) {
  const { index, inputHash, outputHash, settled, current, time, transaction } = attestation;
  return (
    <li>
      <details
        open={open}
        onToggle={(event) => {
          if (event.currentTarget.open !== open) onToggle(event.currentTarget.open);
        }}
      >
        <summary>
          <span class="number">#{index}</span> answer <code>{short(outputHash, 8, 4)}</code>{' '}
          <span class="hint">
            {blockWords(attestation)}, {ago(time, Math.max(now, Date.now()))}
          </span>{' '}
          <span class={`badge ${settled ? 'ok' : 'open'}`}>{settled ? 'settled' : 'pending'}</span>
          {!current && <span class="badge open">earlier model</span>}
        </summary>
        <dl>
          <Value label="outputHash" text={outputHash} />
          <Value label="inputHash" text={inputHash} />
          <Value label="modelRoot" text={attestation.modelRoot} />
          {transaction && <Value label="transaction" text={transaction} />}
        </dl>
        {reliable && (
          <p>
            {settled
              ? 'The network verified its proof, and contracts can rely on it.'
              : 'The network verified its proof. Contracts can rely on it once it is settled.'}
          </p>
        )}
        <Copy text={link} label="link to this attestation" words="copy link" />
      </details>
    </li>
  );
}
