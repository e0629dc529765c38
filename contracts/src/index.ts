export { Statement } from './statement.js';
