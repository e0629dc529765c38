/** Import this before anything that computes: the native backend proves 4.5 times faster. */
import { setBackend } from 'o1js';

setBackend('native');
