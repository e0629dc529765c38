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
    let timer: ReturnType<typeof setTimeout> | undefined;
    const later = (): void => {
      timer = setTimeout(() => {
        if (document.visibilityState === 'visible') again();
        else later();
      }, INTERVAL_MS);
    };
    ask((remote) => remote.readChain(source)).then(
      (view) => {
        if (!current) return;
        setState({ view, loading: false });
        later();
      },
      (error: unknown) => {
        if (!current) return;
        const shown = errorView(error);
        // who cancels a check ends the worker: that is no answer about the chain
        if (shown.code === 'CANCELLED') return again();
        setState((old) => ({ view: old.view, error: shown, loading: false }));
        later();
      },
    );
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [source, round, again]);
  return [state, again];
}
