/**
 * Shared memory needs two headers that many static hosts can't send. Where they are missing, a service worker adds them, and the
 * page loads itself once more under it. It also adds the Content-Security-Policy, and keeps the verifier's files.
 */
const RELOADED = 'attensor-isolation';

export async function startIsolation(): Promise<void> {
  // the development server sends the headers, and builds no files that could be kept
  if (import.meta.env.DEV || !('serviceWorker' in navigator)) return;
  try {
    // a new build has other hashes: its list must not come from the browser's cache
    const options = { scope: './', updateViaCache: 'none' } as const;
    await navigator.serviceWorker.register('./service-worker.js', options);
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
