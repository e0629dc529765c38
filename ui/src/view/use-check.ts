/** One check at a time: its progress, its result, and ending it. */
import { useCallback, useRef, useState } from 'preact/hooks';
import type { CheckRequest } from '../check/check.js';
import type { CheckResult } from '../check/verdict.js';
import { errorView, type ErrorView } from '../errors.js';
import type { Source } from '../link.js';
import type { Stage } from '../worker/api.js';
import { ask, cancel, reporter } from '../worker/client.js';

export type CheckState =
  | { is: 'idle' }
  | { is: 'running'; stage: Stage; since: number }
  | { is: 'done'; result: CheckResult }
  | { is: 'failed'; error: ErrorView };

export function useCheck(): {
  state: CheckState;
  run: (request: CheckRequest, source: Source | undefined) => void;
  stop: () => void;
  reset: () => void;
} {
  const [state, setState] = useState<CheckState>({ is: 'idle' });
  const turn = useRef(0);

  const run = (request: CheckRequest, source: Source | undefined): void => {
    const mine = ++turn.current;
    const set = (next: CheckState): void => {
      if (turn.current === mine) setState(next);
    };
    const since = Date.now();
    set({ is: 'running', stage: 'loading', since });
    let ended = false;
    // reports come by a channel of their own: the last ones can arrive after the result
    const report = reporter((stage) => {
      if (!ended) set({ is: 'running', stage, since });
    });
    const end = (next: CheckState): void => {
      ended = true;
      set(next);
    };
    ask((remote) => remote.check(request, source, report)).then(
      (result) => end({ is: 'done', result }),
      (error: unknown) => end({ is: 'failed', error: errorView(error) }),
    );
  };
  const reset = useCallback(() => {
    turn.current++;
    setState({ is: 'idle' });
  }, []);
  return {
    state,
    run,
    stop: () => {
      reset();
      cancel();
    },
    reset,
  };
}
