/** A process that ends with the one that started it. */
import { Worker } from 'node:worker_threads';

/** Holds also while this process's main thread is in native code for minutes, and when the other one is killed. */
export function endWithParent(): void {
  new Worker(new URL('./parent-watch.js', import.meta.url), { workerData: process.ppid }).unref();
}
