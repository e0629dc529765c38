import { setBackend } from 'o1js';
setBackend('native');
