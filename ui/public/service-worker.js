// Two things for hosts that serve files and no more: the headers for cross-origin isolation, and a store for the large files.
// Files in assets/ have their content's hash in their name, so that a stored one is never stale.
const STORE = 'attensor-assets-1';

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  // nodes and archives are asked directly
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) return;
  event.respondWith(answer(event.request, url));
});

async function answer(request, url) {
  if (!url.pathname.includes('/assets/')) return isolated(await fetch(request));
  const store = await caches.open(STORE);
  const stored = await store.match(request);
  if (stored !== undefined) return stored;
  const response = isolated(await fetch(request));
  // a full disk keeps nothing and hinders nothing; a page in a file's place is a host's way to say 404
  const html = response.headers.get('content-type')?.includes('text/html');
  if (response.status === 200 && !html)
    await store.put(request, response.clone()).catch(() => undefined);
  return response;
}

function isolated(response) {
  // an opaque or redirected answer can't be rebuilt
  if (response.status === 0 || response.type === 'opaqueredirect') return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  const { status, statusText } = response;
  const empty = status === 204 || status === 304;
  return new Response(empty ? null : response.body, { status, statusText, headers });
}
