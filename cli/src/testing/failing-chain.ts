/** In the place of the embedded chain's process: nothing that it is asked succeeds. */
import type { Answer } from '../chain-process.js';

const answer = (message: Answer) => process.send?.(message);

const error = { code: 'NOT_GENUINE', what: 'a wrong key', expected: 'a key', got: 'another' };
answer({ error });
process.on('message', () => {
  answer({ error: { code: 'INTERNAL', what: 'it does not fit' }, stack: 'here' });
});
