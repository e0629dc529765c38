/** Import this before anything that computes: the native backend proves 4.5 times faster, and hashes 12 times faster. */
import { hashNatively } from '@attensor/core/o1js';
import { setBackend } from 'o1js';

setBackend('native');
await hashNatively();
