// Every page of every edition: nothing goes wrong on it, nothing is asked of another host, nothing sticks out at the side.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { DESKTOP, PHONE, chapters, languages, launch, open, serve, weight } from './book.mjs';

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

for (const language of await languages()) {
    for (const [name, viewport, colorScheme] of [['phone', PHONE, 'dark'], ['desktop', DESKTOP, 'light']]) {
        test(`every page in ${language}, ${name}`, async () => {
            const { context, page, wrong } = await open(browser, book.root, { viewport, colorScheme });
            const found = [];
            for (const chapter of await chapters(language)) {
                await page.goto(`${book.root}/${language}/${chapter}`, { waitUntil: 'load' });
                const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
                if (over > 0) found.push(`${chapter}: ${over} pixels stick out`);
                found.push(...wrong.splice(0).map((what) => `${chapter}: ${what}`));
            }
            await context.close();
            assert.deepEqual(found, []);
        });
    }

    test(`what ${language} says of its pages`, async () => {
        const { context, page } = await open(browser, book.root);
        const descriptions = new Map();
        for (const chapter of await chapters(language)) {
            await page.goto(`${book.root}/${language}/${chapter}`, { waitUntil: 'domcontentloaded' });
            const said = await page.evaluate(() => ({
                lang: document.documentElement.lang,
                description: document.querySelector('meta[name="description"]').content,
                title: document.querySelector('meta[property="og:title"]').content,
                languages: [...document.querySelectorAll('link[hreflang]')].map((link) => [link.hreflang, link.href]),
            }));
            assert.equal(said.lang, language);
            assert.equal(said.title, await page.title());
            assert.ok(said.description.length > 20, `${chapter}: ${said.description}`);
            assert.ok(!descriptions.has(said.description), `${chapter} is described as ${descriptions.get(said.description)} is`);
            descriptions.set(said.description, chapter);
            // Each language, and where readers of none of them go.
            assert.equal(said.languages.length, (await languages()).length + 1);
            for (const [, address] of said.languages) {
                const response = await page.request.get(address);
                assert.ok(response.ok(), `${chapter} leads to ${address}`);
            }
        }
        await context.close();
    });
}

test('a first view of a chapter loads less than 100 kB, compressed', async () => {
    const context = await browser.newContext({ viewport: DESKTOP, serviceWorkers: 'block' });
    const page = await context.newPage();
    const heavy = [];
    for (const language of await languages()) {
        for (const chapter of await chapters(language)) {
            const bytes = await weight(page, `${book.root}/${language}/${chapter}`);
            if (bytes > 100_000) heavy.push(`${language}/${chapter}: ${Math.round(bytes / 1000)} kB`);
        }
    }
    await context.close();
    assert.deepEqual(heavy, []);
});
