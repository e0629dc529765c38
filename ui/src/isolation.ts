/**
 * Shared memory needs two headers that many static hosts can't send. Where they are missing, a service worker adds them, and the
 * page loads itself once more under it. It also keeps the verifier's files, so that they are fetched once.
 */
const RELOADED = 'attensor-isolation';

export async function startIsolation(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('./service-worker.js', { scope: './' });
    if (globalThis.crossOriginIsolated) {
      sessionStorage.removeItem(RELOADED);
      return;
    }
    await navigator.serviceWorker.ready;
    // once: a browser that still does not isolate the page never will
    if (sessionStorage.getItem(RELOADED) !== null) return;
    sessionStorage.setItem(RELOADED, '1');
    location.reload();
  } catch (error) {
    console.warn('service worker: not registered', error);
  }
}
