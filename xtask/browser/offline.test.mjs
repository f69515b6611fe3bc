// Reading without a network after the first visit, and a new build that comes whole or not at all.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { BOOK, launch, serve } from './book.mjs';

let folder;
let book;
let browser;
before(async () => {
    // A copy, for another build takes its place.
    folder = await mkdtemp(path.join(tmpdir(), 'book-'));
    await cp(BOOK, folder, { recursive: true });
    book = await serve(folder);
    browser = await launch();
});
after(async () => {
    await browser?.close();
    await book?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
});

// Until a worker of the page is in a state.
async function worker(page, state) {
    for (let left = 300; left > 0; left -= 1) {
        const there = await page.evaluate(async (wanted) => {
            const registration = await navigator.serviceWorker.getRegistration();
            return [registration?.active, registration?.waiting].some((one) => one?.state === wanted);
        }, state);
        if (there) return;
        await page.waitForTimeout(200);
    }
    assert.fail(`no worker came to be ${state}`);
}

// Another build of the same edition: the files that change, and the worker that lists them.
async function rebuild(changes, listed = changes) {
    const edition = path.join(folder, 'en');
    for (const [name, text] of Object.entries(changes)) await writeFile(path.join(edition, name), text);
    const worker = await readFile(path.join(edition, 'worker.js'), 'utf8');
    const files = JSON.parse(/^const FILES = (.*);$/m.exec(worker)[1]);
    for (const [name, text] of Object.entries(listed)) {
        files[name] = createHash('sha256').update(text).digest('hex').slice(0, 16);
    }
    const list = JSON.stringify(files);
    const version = createHash('sha256').update(list).digest('hex').slice(0, 16);
    await writeFile(path.join(edition, 'worker.js'), worker
        .replace(/^const FILES = .*;$/m, () => `const FILES = ${list};`)
        .replace(/^const VERSION = .*;$/m, () => `const VERSION = '${version}';`));
}

test('an edition is read without a network, searched too, and a new build never mixes with the old', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${book.root}/en/index.html`);
    await worker(page, 'activated');

    await context.setOffline(true);
    await page.goto(`${book.root}/en/locks.html`);
    assert.equal(await page.locator('h1#locks, main h1').first().isVisible(), true);
    assert.ok(await page.evaluate(() => getComputedStyle(document.body).getPropertyValue('--bg') !== ''), 'with its style');
    await page.keyboard.press('/');
    await page.locator('dialog.book-search input').fill('semaphore');
    await page.locator('dialog.book-search ol a').first().waitFor();
    await context.setOffline(false);

    // The next build arrives while the reader has a page open: the pages stay those of the first.
    const locks = await readFile(path.join(folder, 'en', 'locks.html'), 'utf8');
    const tasks = await readFile(path.join(folder, 'en', 'tasks.html'), 'utf8');
    const marked = (html) => html.replace('<main>', '<main data-build="second">');
    await rebuild({ 'locks.html': marked(locks), 'tasks.html': marked(tasks) });
    await page.goto(`${book.root}/en/locks.html`);
    const other = await context.newPage();
    await other.goto(`${book.root}/en/index.html`);
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
    await worker(page, 'installed');
    await page.goto(`${book.root}/en/tasks.html`);
    assert.equal(await page.locator('main[data-build]').count(), 0, 'two pages are open: still the first build');
    await other.close();
    await page.goto(`${book.root}/en/locks.html`);
    await page.locator('main[data-build=second]').waitFor();
    await page.goto(`${book.root}/en/tasks.html`);
    assert.equal(await page.locator('main[data-build=second]').count(), 1);

    // A build of which only a part is on the server is not taken.
    await rebuild({ 'locks.html': locks }, { 'locks.html': locks, 'tasks.html': tasks });
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update().catch(() => {}));
    await page.waitForTimeout(3000);
    await page.goto(`${book.root}/en/locks.html`);
    assert.equal(await page.locator('main[data-build=second]').count(), 1, 'half a build is none');
    await context.close();
});
