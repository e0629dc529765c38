// Two things for hosts that serve files and no more: headers (shared memory, Content-Security-Policy), and a store for the large
// files. What is in assets/ must have the hash that the build found, whether it comes from the store or from the host.
importScripts('./policy.js', './asset-hashes.js');
const { ATTENSOR_POLICY: POLICY, ATTENSOR_ASSETS: ASSETS } = self;

// pages of one origin share their stores
const STORE = `attensor-assets-2 ${self.registration.scope}`;
const OLD_STORES = ['attensor-assets-1'];

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) =>
  event.waitUntil(Promise.all([purge(), self.clients.claim()])),
);

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  // nodes and archives are asked directly
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) return;
  event.respondWith(answer(event.request, url));
});

async function answer(request, url) {
  const name = nameOf(url);
  if (!Object.hasOwn(ASSETS, name)) return guarded(await fetch(request));
  const hash = ASSETS[name];
  const store = await caches.open(STORE);
  const stored = await store.match(request, { ignoreVary: true });
  if (stored !== undefined) {
    const kept = await verified(stored, hash);
    if (kept !== undefined) return guarded(kept);
    await store.delete(request, { ignoreVary: true });
  }
  let response = await fetch(request);
  if (response.status !== 200) return guarded(response);
  let found = await verified(response, hash);
  if (found === undefined) {
    // the browser's own cache may be the one that is damaged
    response = await fetch(request, { cache: 'reload' });
    if (response.status !== 200) return guarded(response);
    found = await verified(response, hash);
  }
  if (found === undefined) return new Response('not the file of this build', { status: 502 });
  // a full disk keeps nothing and hinders nothing
  await store.put(request, found.clone()).catch(() => undefined);
  return guarded(found);
}

/** The response once more, if its content has this SHA-256. */
async function verified(response, hash) {
  const content = await response.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (hex !== hash) return undefined;
  const { status, statusText, headers } = response;
  return new Response(content, { status, statusText, headers });
}

/** Removes what this build does not have. */
async function purge() {
  await Promise.all(OLD_STORES.map((name) => caches.delete(name)));
  const store = await caches.open(STORE);
  const requests = await store.keys();
  const stale = requests.filter(({ url }) => !Object.hasOwn(ASSETS, nameOf(new URL(url))));
  await Promise.all(stale.map((request) => store.delete(request)));
}

/** A file's path from where the page is. */
function nameOf({ origin, pathname }) {
  const whole = origin + pathname;
  const { scope } = self.registration;
  return whole.startsWith(scope) ? whole.slice(scope.length) : '';
}

function guarded(response) {
  // an opaque or redirected answer can't be rebuilt
  if (response.status === 0 || response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  headers.set('Content-Security-Policy', POLICY);
  headers.set('X-Content-Type-Options', 'nosniff');
  const { status, statusText } = response;
  const empty = status === 204 || status === 304;
  return new Response(empty ? null : response.body, { status, statusText, headers });
}
