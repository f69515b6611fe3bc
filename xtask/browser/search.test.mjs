// The search: words by their stem and without their accents, results in the reader's language, all by keyboard.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, serve } from './book.mjs';

let book;
let browser;
before(async () => {
    book = await serve();
    browser = await launch();
});
after(async () => {
    await browser?.close();
    await book?.close();
});

// The addresses and the text of what is found for a query.
async function results(page, query) {
    await page.locator('dialog.book-search input').fill(query);
    // A query is asked after a pause, and answered later: its words stand still then.
    const said = page.locator('dialog.book-search');
    let text = '';
    for (let last; text !== last;) {
        last = text;
        await page.waitForTimeout(500);
        text = await said.innerText();
    }
    const addresses = await page.locator('dialog.book-search ol a').evaluateAll((links) => links.map((link) => link.href));
    return { addresses, text, status: await page.locator('dialog.book-search [role=status]').innerText() };
}

async function search(language, act) {
    const { context, page, wrong } = await open(browser, book.root);
    await page.goto(`${book.root}/${language}/tasks.html`);
    await page.keyboard.press('/');
    await page.waitForSelector('dialog.book-search[open]');
    await act(page);
    await context.close();
    assert.deepEqual(wrong, []);
}

test('Italian words are found by their stem, with and without accents, behind either apostrophe', () => search('it', async (page) => {
    const stem = await results(page, 'bloccare');
    assert.match(stem.text, /bloccant/i, 'bloccare finds bloccante');
    const accent = await results(page, 'velocita');
    assert.match(accent.text, /velocità/i, 'velocita finds velocità');
    const straight = await results(page, "l'operazione");
    const curved = await results(page, 'l’operazione');
    assert.match(straight.text, /operazion/i);
    assert.deepEqual(curved.addresses, straight.addresses);
    assert.ok(!/(?<!\p{L})(?:l|un|dell|all|nell)['’] \p{L}/iu.test(straight.text), `written as in the chapters: ${straight.text}`);
    for (const address of [...stem.addresses, ...accent.addresses]) {
        assert.ok(address.startsWith(`${book.root}/it/`), address);
    }
}));

test('English words are found by their stem, and results lead to sections', () => search('en', async (page) => {
    const found = await results(page, 'cancelling');
    assert.ok(found.addresses.some((address) => address.includes('cancellation.html')), found.addresses.join(' '));
    assert.ok(found.addresses.some((address) => address.includes('#')), 'sections');
    assert.ok(found.addresses.every((address) => address.startsWith(`${book.root}/en/`)));
    for (const address of found.addresses) {
        const [file, id] = address.split('#');
        const text = await (await page.request.get(file)).text();
        assert.ok(id === undefined || text.includes(`id="${id}"`), address);
    }
    const code = await results(page, 'spawn_blocking');
    assert.match(code.text, /spawn_blocking/);
    const none = await results(page, 'qqqq');
    assert.match(none.status, /qqqq/);
    assert.equal(none.addresses.length, 0);
}));

test('the search is used by keyboard alone', () => search('en', async (page) => {
    await results(page, 'waker');
    await page.keyboard.press('ArrowDown');
    const first = await page.evaluate(() => document.activeElement.href);
    assert.ok(first?.startsWith(book.root), String(first));
    await page.keyboard.press('ArrowUp');
    assert.equal(await page.evaluate(() => document.activeElement.type), 'search');
    await page.keyboard.press('ArrowRight');
    assert.match(page.url(), /tasks\.html$/, 'the arrow is not the key for the next chapter');
    await page.keyboard.press('Enter');
    await page.waitForURL(first);
    await page.keyboard.press('s');
    await page.waitForSelector('dialog.book-search[open]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog.book-search:not([open])', { state: 'attached' });
}));

test('without a server for its pieces the search says so', async () => {
    const { context, page } = await open(browser, book.root);
    await page.route('**/pagefind/**', (route) => route.abort());
    await page.goto(`${book.root}/it/tasks.html`);
    await page.locator('#book-search').click();
    await page.locator('dialog.book-search [role=status]').filter({ hasText: 'connessione' }).waitFor();
    await context.close();
});
