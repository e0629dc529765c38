/** Where tests keep the contract's keys: the folder that the commands use, so that a run of all tests compiles them once. */
import { Cache } from 'o1js';
import { homedir } from 'node:os';
import { join } from 'node:path';

const folder = process.env.ATTENSOR_CACHE ?? join(homedir(), '.cache', 'attensor');

export const contractKeys = (): Cache => Cache.FileSystem(join(folder, 'keys'));
