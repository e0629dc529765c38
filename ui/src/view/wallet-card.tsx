/** Submitting a proof with a wallet. */
import { useState } from 'preact/hooks';
import { errorView, type ErrorView } from '../errors.js';
import type { Source } from '../link.js';
import {
  connect,
  requireNetwork,
  requireProvider,
  send,
  walletProvider,
} from '../wallet/provider.js';
import type { Stage, Submission } from '../worker/api.js';
import { ask, cancel, reporter } from '../worker/client.js';
import { Problem, Value } from './parts.js';

interface Props {
  file: string;
  source: Source;
  onSent: () => void;
}

type State =
  | { is: 'idle' }
  | { is: 'busy'; words: string; canCancel: boolean }
  | { is: 'sent'; hash: string; seconds: Submission['seconds'] }
  | { is: 'failed'; error: ErrorView };

const WORDS: Partial<Record<Stage, string>> = {
  loading: 'Loading the verifier…',
  starting: 'Starting the verifier…',
  file: 'Reading the file…',
  contract: 'Reading the contract…',
  proof: 'Verifying the proof, so that no fee is lost…',
  compiling: 'Compiling the contract; this takes minutes…',
  proving: 'Proving the transaction; this takes a minute or more…',
};

/** Nanomina in a MINA; the wallet lets one change it. */
const DEFAULT_FEE = '0.1';

export function WalletCard({ file, source, onSent }: Props) {
  const [state, setState] = useState<State>({ is: 'idle' });
  const [fee, setFee] = useState(DEFAULT_FEE);
  const busy = (words: string, canCancel = false): void =>
    setState({ is: 'busy', words, canCancel });

  const submit = async (): Promise<void> => {
    // reports come by a channel of their own: the last ones can arrive after the result
    let built = false;
    try {
      const provider = requireProvider();
      busy('Waiting for the wallet…');
      const sender = await connect(provider);
      await requireNetwork(provider, source.walletId);
      const report = reporter((stage) => {
        if (!built) busy(WORDS[stage] ?? 'Checking…', true);
      });
      const { transaction, seconds } = await ask((remote) =>
        remote.buildSubmission({ file, source, sender }, report),
      );
      built = true;
      busy('Waiting for the wallet to sign and send…');
      const hash = await send(provider, transaction, { fee: Number(fee), memo: 'attensor' });
      setState({ is: 'sent', hash, seconds });
      onSent();
    } catch (error) {
      built = true;
      setState({ is: 'failed', error: errorView(error) });
    }
  };

  return (
    <section aria-labelledby="wallet-title">
      <h2 id="wallet-title">Submit this proof</h2>
      <p>
        The contract verifies it in a transaction, and keeps the hashes of prompt and answer for
        ever. Anyone may; it costs a fee.
      </p>
      {walletProvider() === undefined && (
        <p class="hint">
          No Mina wallet was found in this browser. <code>attensor submit</code> does the same.
        </p>
      )}
      {walletProvider() !== undefined && source.walletId === undefined && (
        <p class="hint">
          The page does not know what wallets call this network: see that yours is on it.
        </p>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label for="fee">Fee in MINA</label>
        <input
          id="fee"
          type="number"
          min="0"
          step="any"
          required
          value={fee}
          onInput={(event) => setFee(event.currentTarget.value)}
        />
        <p class="row">
          <button type="submit" disabled={state.is === 'busy'}>
            Submit with a wallet
          </button>
          {state.is === 'busy' && state.canCancel && (
            <button type="button" onClick={cancel}>
              Cancel
            </button>
          )}
        </p>
      </form>
      <div role="status" aria-live="polite">
        {state.is === 'busy' && <p aria-busy="true">{state.words}</p>}
        {state.is === 'sent' && (
          <>
            <dl>
              <Value label="sent as" text={state.hash} />
            </dl>
            <p class="hint">
              Contract compiled in {state.seconds.compile.toFixed(0)} s, transaction proved in{' '}
              {state.seconds.prove.toFixed(0)} s.
            </p>
          </>
        )}
      </div>
      {state.is === 'failed' && <Problem error={state.error} />}
    </section>
  );
}
