'use strict';

// Keeps an edition for reading without a network, whole and of one build. crates/book/src/offline.rs puts the list of its files here.
// A reader stays with the build that is here; the next one is fetched beside it, checked against its own list, and takes its place when
// a page is opened while no other page of the edition is (that page asks for it, and loads itself anew: theme/offline.js).
const FILES = {};
const VERSION = '';

const PREFIX = `book ${self.registration.scope} `;
const CACHE = PREFIX + VERSION;

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(removeOthers()));
self.addEventListener('message', (event) => {
    if (event.data === 'activate if alone') event.waitUntil(activateIfAlone());
});
self.addEventListener('fetch', (event) => {
    const path = within(event.request);
    if (path !== undefined) event.respondWith(answer(event.request, path));
});

// The file that a request is for; none where it is for something else.
function within(request) {
    if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return undefined;
    const { origin, pathname } = new URL(request.url);
    const path = (origin + pathname).slice(self.registration.scope.length);
    const file = path === '' || path.endsWith('/') ? `${path}index.html` : path;
    return Object.hasOwn(FILES, decodeURIComponent(file)) ? decodeURIComponent(file) : undefined;
}

async function activateIfAlone() {
    const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
    if (pages.filter(({ url }) => url.startsWith(self.registration.scope)).length < 2) await self.skipWaiting();
}

async function answer(request, path) {
    const kept = await (await caches.open(CACHE)).match(key(path));
    return kept ?? fetch(request);
}

// Where a file lies in the cache.
function key(path) {
    return new URL(path.split('/').map(encodeURIComponent).join('/'), self.registration.scope).href;
}

async function install() {
    const cache = await caches.open(CACHE);
    const before = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    // A few at a time: the reader's own requests go first.
    const paths = Object.keys(FILES);
    await Promise.all(Array.from({ length: 4 }, async () => {
        for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
            await keep(cache, path, before);
        }
    }));
}

async function keep(cache, path, before) {
    for (const name of before) {
        const kept = await (await caches.open(name)).match(key(path));
        if (kept && await hash(kept.clone()) === FILES[path]) {
            await cache.put(key(path), kept);
            return;
        }
    }
    // Not what the browser still has of an older build.
    const response = await fetch(key(path), { cache: 'no-cache', credentials: 'same-origin' });
    if (!response.ok || await hash(response.clone()) !== FILES[path]) {
        // The site is being replaced: the browser tries again with its next visit.
        throw new Error(`${path} is not of this build`);
    }
    await cache.put(key(path), response);
}

async function hash(response) {
    const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', await response.arrayBuffer()));
    return Array.from(bytes.slice(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function removeOthers() {
    for (const name of await caches.keys()) {
        if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    }
}
