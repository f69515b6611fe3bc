// Python in the page: every snippet that readers are offered to run runs to its end, and the page says what becomes of it.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import path from 'node:path';

import { BOOK, chapters, languages, launch, open, serve } from './book.mjs';

// Several at once: each of them starts an interpreter.
const AT_ONCE = 2;

let book;
let browser;

before(async () => {
    book = await serve();
    browser = await launch();
});

after(async () => {
    await browser.close();
    await book.close();
});

async function on(address, check) {
    const { context, page, wrong } = await open(browser, book.root);
    await page.goto(`${book.root}/${address}`);
    await check(page);
    await context.close();
    assert.deepEqual(wrong, []);
}

test('the book was built with Python for the page', () => {
    assert.ok(existsSync(path.join(BOOK, 'python')), 'no Pyodide: `cargo xtask build` says why');
});

test('every snippet that is offered runs to its end', { timeout: 1_500_000 }, async () => {
    const [language] = await languages();
    const offered = [];
    await on(`${language}/index.html`, async (page) => {
        for (const name of await chapters(language)) {
            await page.goto(`${book.root}/${language}/${name}`);
            const codes = await page.locator('pre:has(.run-python) > code').allTextContents();
            offered.push(...codes.map((code, number) => ({ name: `${name}, number ${number + 1}`, code })));
        }
    });
    assert.ok(offered.length > 50, `${offered.length} snippets`);
    const failed = [];
    const left = [...offered];
    await Promise.all(Array.from({ length: AT_ONCE }, () => on(`${language}/waiting.html`, async (page) => {
        for (let snippet = left.shift(); snippet; snippet = left.shift()) {
            const said = await page.evaluate(({ code, limit }) => new Promise((resolve) => {
                const address = document.querySelector('meta[name="book-python"]').content;
                const worker = new Worker(address, { type: 'module' });
                const end = (how) => {
                    worker.terminate();
                    resolve(how);
                };
                setTimeout(() => end('still running'), limit);
                worker.addEventListener('error', ({ message }) => end(message));
                worker.addEventListener('message', ({ data: { kind, text } }) => {
                    if (!['running', 'output'].includes(kind)) end(kind === 'ended' ? undefined : `${kind}: ${text}`);
                });
                worker.postMessage(code);
            }), { code: snippet.code, limit: 60_000 });
            if (said) failed.push(`${snippet.name}: ${said}`);
        }
    })));
    assert.deepEqual(failed, []);
});

// The page's own words in each of its languages.
const SAID = {
    en: { ended: 'It has ended without an error.', failed: 'It has ended with an error.', stopped: 'It was stopped.' },
    it: { ended: 'È terminato senza errori.', failed: 'È terminato con un errore.', stopped: 'È stato fermato.' },
};

for (const [language, said] of Object.entries(SAID)) {
    test(`a snippet is run, run again, fails, and is stopped, in ${language}`, { timeout: 120_000 }, () => on(`${language}/waiting.html`, async (page) => {
        const asked = [];
        page.on('request', (request) => asked.push(request.url()));
        const button = page.locator('.run-python').first();
        const state = page.locator('.python-run .python-state');
        const write = (code) => page.locator('pre:has(.run-python) > code').first().evaluate((element, text) => {
            element.textContent = text;
        }, code);
        assert.deepEqual(asked.filter((url) => url.includes('/python/')), [], 'nothing is loaded before it is wanted');

        await write('import asyncio\n\nasync def main():\n    await asyncio.sleep(0.01)\n    print("perché no")\n\nasyncio.run(main())\n');
        await button.click();
        await state.getByText(said.ended).waitFor();
        assert.equal(await page.locator('.python-output').textContent(), 'perché no\n');
        assert.match(await page.locator('.python-about').textContent(), /Python 3\.\d+\.\d+.*Pyodide/);
        assert.ok(asked.some((url) => url.includes('/python/')));

        await write('print("before")\nraise ValueError("no such thing")\n');
        await button.focus();
        await page.keyboard.press('Enter');
        await state.getByText(said.failed).waitFor();
        const output = await page.locator('.python-output').textContent();
        assert.match(output, /^before\nTraceback.*\n {2}File "snippet\.py", line 2/);
        assert.match(output, /ValueError: no such thing\n$/);
        assert.doesNotMatch(output, /pyodide/);

        await write('while True:\n    print("on and on")\n');
        await button.click();
        await page.locator('.python-output').waitFor();
        await page.locator('.python-stop').click();
        assert.equal(await state.textContent(), said.stopped);
        assert.equal(await page.locator('.python-run').count(), 1);
    }));
}
