// WCAG 2.2 AA by axe-core on every kind of page, in every theme and language.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { PHONE, languages, launch, open, serve } from './book.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
// One of each kind: the front page; twins, figures, questions and steps; many machines; the ledger; the glossary; the calculator; folds; a
// whole program.
const KINDS = ['index', 'event-loop', 'tcp-servers', 'ledger', 'glossary', 'deciding', 'moves', 'programs/event-loop/toy.py'];
const THEMES = ['light', 'rust', 'coal', 'navy', 'ayu'];

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

// What axe finds, a line to a rule.
async function violations(page) {
    await page.evaluate(AXE);
    const found = await page.evaluate((tags) => window.axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), TAGS);
    return found.violations.map(({ id, help, nodes }) => {
        const first = nodes.slice(0, 3).map((node) => `${node.target.join(' ')} (${node.any[0]?.message ?? node.html.slice(0, 100)})`);
        return `${id}: ${help}: ${nodes.length} times, as ${first.join('; ')}`;
    });
}

for (const language of await languages()) {
    for (const theme of THEMES) {
        test(`no violation in ${language}, ${theme}`, async () => {
            const { context, page } = await open(browser, book.root);
            await page.addInitScript((name) => localStorage.setItem('mdbook-theme', name), theme);
            const found = [];
            // Colours are what themes change: two of them see every kind of page.
            const kinds = theme === 'light' || theme === 'navy' ? KINDS : ['event-loop'];
            for (const kind of kinds) {
                await page.goto(`${book.root}/${language}/${kind}.html`);
                found.push(...(await violations(page)).map((violation) => `${kind}: ${violation}`));
            }
            await context.close();
            assert.deepEqual(found, []);
        });
    }

    test(`no violation on a phone, in ${language}`, async () => {
        const { context, page } = await open(browser, book.root, { viewport: PHONE });
        const found = [];
        for (const kind of KINDS) {
            await page.goto(`${book.root}/${language}/${kind}.html`);
            found.push(...(await violations(page)).map((violation) => `${kind}: ${violation}`));
        }
        await context.close();
        assert.deepEqual(found, []);
    });

    test(`no violation with the search open, in ${language}`, async () => {
        const { context, page } = await open(browser, book.root);
        await page.goto(`${book.root}/${language}/tasks.html`);
        await page.keyboard.press('/');
        await page.locator('dialog.book-search input').fill('async');
        await page.locator('dialog.book-search ol a').first().waitFor();
        const found = await violations(page);
        await context.close();
        assert.deepEqual(found, []);
    });
}

test('no violation on the page that leads to the editions', async () => {
    const { context, page } = await open(browser, book.root);
    await page.goto(`${book.root}/index.html#choose`);
    const found = await violations(page);
    await context.close();
    assert.deepEqual(found, []);
});
