/** What every package may use, in a browser too. What needs Node has entries of its own. */
export { secretIn, shownUrl } from './endpoint.js';
export {
  AttensorError,
  errorJson,
  present,
  throwIfAborted,
  type ErrorCode,
  type ErrorDetails,
  type ErrorJson,
} from './errors.js';
export { printable } from './printable.js';
