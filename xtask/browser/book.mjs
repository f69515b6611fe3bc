// What the tests of the pages share: a server for the built book, on this machine only, and a browser.

import { createServer } from 'node:http';
import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import path from 'node:path';

import { chromium } from 'playwright-core';

export const BOOK = process.env.BOOK;
export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

const TYPES = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.json': 'application/json',
    '.mjs': 'text/javascript; charset=utf-8',
    '.wasm': 'application/wasm',
    '.svg': 'image/svg+xml',
    '.png': 'image/png',
    '.xml': 'application/xml',
};

// Serves a folder as a plain file server does, compressed.
export async function serve(folder = BOOK) {
    const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url, 'http://localhost');
        const below = decodeURIComponent(pathname.endsWith('/') ? `${pathname}index.html` : pathname);
        const file = path.join(folder, below);
        try {
            if (!file.startsWith(folder)) throw new Error('outside');
            const content = gzipSync(await readFile(file));
            response.writeHead(200, {
                'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
                'content-encoding': 'gzip',
                'content-length': content.length,
            });
            response.end(content);
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
        root: `http://127.0.0.1:${server.address().port}`,
        close: () => new Promise((resolve) => {
            server.closeAllConnections();
            server.close(resolve);
        }),
    };
}

export function launch() {
    return chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] });
}

// The codes of the editions that were built.
export async function languages() {
    const entries = await readdir(BOOK, { withFileTypes: true });
    const editions = entries.filter((entry) => entry.isDirectory() && existsSync(path.join(BOOK, entry.name, 'index.html')));
    return editions.map((entry) => entry.name).sort();
}

// Every chapter of an edition, below its folder.
export async function chapters(language, folder = BOOK) {
    const entries = await readdir(path.join(folder, language), { recursive: true });
    const other = (name) => ['print.html', 'toc.html'].includes(name) || name.startsWith(`programs${path.sep}`);
    return entries.filter((name) => name.endsWith('.html') && !other(name)).sort();
}

// The bytes that a first view of a page loads, as they come over the network.
export async function weight(page, address) {
    const client = await page.context().newCDPSession(page);
    await client.send('Network.enable');
    await client.send('Network.clearBrowserCache');
    let bytes = 0;
    client.on('Network.loadingFinished', ({ encodedDataLength }) => {
        bytes += encodedDataLength;
    });
    await page.goto(address, { waitUntil: 'networkidle' });
    await client.detach();
    return bytes;
}

// A page, and all that goes wrong on it: words on the console, requests that fail, requests to others.
export async function open(browser, root, options = {}) {
    const context = await browser.newContext({ viewport: DESKTOP, serviceWorkers: 'block', ...options });
    const page = await context.newPage();
    const wrong = [];
    page.on('console', (message) => {
        if (message.type() === 'error') wrong.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => wrong.push(`script: ${error}`));
    page.on('requestfailed', (request) => {
        // A page that is left stops what it was loading.
        const why = request.failure()?.errorText;
        if (why !== 'net::ERR_ABORTED') wrong.push(`request: ${request.url()} ${why}`);
    });
    page.on('request', (request) => {
        if (!request.url().startsWith(root) && !/^(data|blob):/.test(request.url())) {
            wrong.push(`to another host: ${request.url()}`);
        }
    });
    return { context, page, wrong };
}
