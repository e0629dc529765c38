/** The contract as it is, read again every so often while the page is looked at. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { ChainView } from '../chain/read-chain.js';
import { errorView, type ErrorView } from '../errors.js';
import type { Source } from '../link.js';
import { ask } from '../worker/client.js';

const INTERVAL_MS = 20_000;

export interface ChainState {
  view?: ChainView;
  error?: ErrorView;
  loading: boolean;
}

export function useChain(source: Source | undefined): [ChainState, () => void] {
  const [state, setState] = useState<ChainState>({ loading: source !== undefined });
  const [round, setRound] = useState(0);
  const again = useCallback(() => setRound((old) => old + 1), []);

  useEffect(() => setState({ loading: source !== undefined }), [source]);
  useEffect(() => {
    if (source === undefined) return;
    let current = true;
    setState((old) => ({ ...old, loading: true }));
    ask((remote) => remote.readChain(source)).then(
      (view) => current && setState({ view, loading: false }),
      (error: unknown) => {
        const shown = errorView(error);
        // cancelling a check ends the worker: that is no answer about the chain
        if (!current) return;
        if (shown.code === 'CANCELLED' || shown.code === 'WORKER_CRASHED') again();
        else setState((old) => ({ view: old.view, error: shown, loading: false }));
      },
    );
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') again();
    }, INTERVAL_MS);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [source, round, again]);
  return [state, again];
}
