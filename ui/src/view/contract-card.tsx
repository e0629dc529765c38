/** The contract: which model it is committed to, and how far what is read about it can be trusted. */
import { useState } from 'preact/hooks';
import { AttensorError, present } from '@attensor/core';
import { errorView, type ErrorView } from '../errors.js';
import type { ChainView } from '../chain/read-chain.js';
import { isReliable } from '../chain/trust.js';
import { foreignSource, knownSource, type Source } from '../link.js';
import { isAddress, type PublishedModel, type Settings } from '../settings.js';
import { Copy, Problem, sentence, short, Value } from './parts.js';
import { TrustLevels } from './trust-levels.js';
import type { ChainState } from './use-chain.js';

interface Props {
  settings: Settings;
  source?: Source;
  chain: ChainState;
  model?: PublishedModel;
  onSource: (source: Source) => void;
  onAgain: () => void;
}

export function ContractCard({ settings, source, chain, model, onSource, onAgain }: Props) {
  const { view, error, loading } = chain;
  return (
    <section aria-labelledby="contract-title">
      <h2 id="contract-title">The model’s contract</h2>
      {source ? (
        <p class="row">
          <code title={source.address}>{short(source.address)}</code>
          <Copy text={source.address} label="address" />
          <span>
            on {source.name}
            {source.foreign && ' (not a network of this site)'}
          </span>
        </p>
      ) : (
        <p>No contract is chosen.</p>
      )}
      {error && (
        <Problem error={error}>
          {view && <p>What was read before is shown below.</p>}
          <p>
            <button type="button" onClick={onAgain}>
              Read again
            </button>
          </p>
        </Problem>
      )}
      {loading && view === undefined && <p aria-busy="true">Reading the contract…</p>}
      {view && (
        <>
          {!view.genuine && (
            <p class="problem" role="alert">
              <strong>This is not to be relied on:</strong>{' '}
              {sentence(present(view.notGenuine, 'the reason'))}
            </p>
          )}
          <p>
            {isReliable(view) ? 'Committed' : CLAIMS[view.genuine ? 'open' : 'foreign']} to{' '}
            {model ? (
              <>
                <strong>{model.name}</strong>, as this site names it.
              </>
            ) : (
              'a model that this site does not know.'
            )}{' '}
            {isReliable(view) && <Counts view={view} />}
          </p>
          {view.archiveError && <Problem error={view.archiveError} />}
          <details>
            <summary>Commitment</summary>
            <dl>
              {Object.entries(view.commitment).map(([name, text]) => (
                <Value key={name} label={name} text={text} />
              ))}
              <Value label="contract’s code" text={view.contractKeyHash} />
            </dl>
          </details>
          <TrustLevels view={view} />
        </>
      )}
      <details open={source === undefined}>
        <summary>{settings.otherNodes ? 'Another contract or node' : 'Another contract'}</summary>
        <SourceForm settings={settings} source={source} onSource={onSource} />
      </details>
    </section>
  );
}

const CLAIMS = {
  open: 'According to the node, committed',
  foreign: 'It claims to be committed',
};

/** All of submissions, repeats included. */
function Counts({ view: { attestations } }: { view: ChainView }) {
  const settled = attestations.filter(({ settled }) => settled).length;
  const different = new Set(
    attestations.map(({ outputHash, inputHash, ...of }) =>
      [outputHash, inputHash, of.modelRoot, of.vocabularyRoot, of.verifierKeyHash].join(),
    ),
  ).size;
  const repeats =
    different < attestations.length
      ? ` They are about ${different} different ${different === 1 ? 'answer' : 'answers'}.`
      : '';
  return (
    <>
      {attestations.length} {attestations.length === 1 ? 'submission' : 'submissions'} attested,{' '}
      {settled} of them settled.
      {repeats}
    </>
  );
}

function SourceForm({
  settings,
  source,
  onSource,
}: Pick<Props, 'settings' | 'source' | 'onSource'>) {
  const [address, setAddress] = useState(source?.address ?? '');
  const [network, setNetwork] = useState(source?.network || settings.networks[0].id);
  const [nodes, setNodes] = useState(source?.foreign ? source.nodes.join('\n') : '');
  const [archive, setArchive] = useState(source?.foreign ? source.archive : '');
  const [error, setError] = useState<ErrorView>();
  const own = network === '';

  const submit = (): void => {
    try {
      if (!isAddress(address.trim())) {
        throw new AttensorError({
          code: 'BAD_INPUT',
          what: 'this is not the address of a contract',
          where: 'address',
          expected: 'B62…, 55 characters',
          got: address.trim().slice(0, 80) || 'nothing',
        });
      }
      const lines = nodes.split(/\s+/).filter(Boolean);
      if (own && lines.length === 0)
        throw new AttensorError({
          code: 'BAD_INPUT',
          what: 'name at least one node',
          where: 'nodes',
        });
      setError(undefined);
      onSource(
        own
          ? foreignSource(lines, archive.trim() || lines[0], address.trim())
          : present(
              knownSource(settings, network, address.trim()),
              'a network that the page knows',
            ),
      );
    } catch (cause) {
      setError(errorView(cause));
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label for="address">Address of the contract</label>
      <input
        id="address"
        value={address}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => setAddress(event.currentTarget.value)}
      />
      <label for="network">Network</label>
      <select
        id="network"
        value={network}
        onChange={(event) => setNetwork(event.currentTarget.value)}
      >
        {settings.networks.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
        {settings.otherNodes && <option value="">nodes of my own choice</option>}
      </select>
      {own && (
        <>
          <label for="nodes">Nodes, one on a line</label>
          <textarea
            id="nodes"
            rows={2}
            value={nodes}
            spellcheck={false}
            onInput={(event) => setNodes(event.currentTarget.value)}
          />
          <label for="archive">Archive</label>
          <input
            id="archive"
            value={archive}
            placeholder="the first node"
            spellcheck={false}
            onInput={(event) => setArchive(event.currentTarget.value)}
          />
        </>
      )}
      {error && <Problem error={error} />}
      <p>
        <button type="submit">Read it</button>
      </p>
    </form>
  );
}
