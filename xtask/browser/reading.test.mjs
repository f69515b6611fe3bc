// What readers do on a page: twins, steps, figures, questions, the calculator, other languages, no scripts.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { DESKTOP, PHONE, languages, launch, open, serve } from './book.mjs';

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

async function on(address, act, options) {
    const { context, page, wrong } = await open(browser, book.root, options);
    await page.goto(`${book.root}/${address}`);
    await act(page, context);
    await context.close();
    assert.deepEqual(wrong, []);
}

for (const language of await languages()) {
    test(`twins are tabs on a phone and columns on a wide screen, in ${language}`, () => on(`${language}/tcp-servers.html`, async (page) => {
        const twin = page.locator('.twin').first();
        const tabs = twin.getByRole('tab');
        assert.deepEqual(await tabs.allInnerTexts(), ['Python', 'Rust']);
        await tabs.nth(0).focus();
        await page.keyboard.press('ArrowRight');
        assert.equal(await tabs.nth(1).getAttribute('aria-selected'), 'true');
        assert.equal(await twin.locator('figure.program').nth(0).isVisible(), false);
        assert.equal(await twin.locator('figure.program').nth(1).isVisible(), true);
        // One choice for all, and remembered.
        await page.goto(`${book.root}/${language}/tasks.html`);
        const other = page.locator('.twin').first();
        assert.equal(await other.locator('figure.program').nth(0).isVisible(), false);
        await page.setViewportSize({ width: 1800, height: 900 });
        await other.getByRole('tablist').waitFor({ state: 'hidden' });
        for (const number of [0, 1]) {
            assert.equal(await other.locator('figure.program').nth(number).isVisible(), true);
        }
    }, { viewport: PHONE }));

    test(`a recording goes step by step, in ${language}`, async () => {
        for (const chapter of ['event-loop', 'executor', 'fairness']) {
            await on(`${language}/${chapter}.html`, async (page) => {
                const figure = page.locator('figure.stepper');
                const stage = figure.locator('.stage');
                const rows = await figure.locator('tbody tr').count();
                assert.ok(rows > 10, `${rows} steps`);
                const said = () => figure.locator('.said').innerText();
                const line = (number) => figure.locator(`tbody tr:nth-child(${number})`).evaluate((row) => row.textContent);
                const first = await said();
                assert.ok((await line(1)).includes(first), `${first} is in the first line`);
                await stage.focus();
                await page.keyboard.press('ArrowRight');
                await page.keyboard.press('ArrowRight');
                assert.ok((await line(3)).includes(await said()));
                assert.match(page.url(), new RegExp(`${chapter}\\.html$`));
                await page.keyboard.press('ArrowLeft');
                assert.ok((await line(2)).includes(await said()));
                await page.keyboard.press('End');
                assert.ok((await line(rows)).includes(await said()));
                await figure.locator('.speed select').selectOption({ label: '4×' });
                await stage.focus();
                await page.keyboard.press('Space');
                await page.waitForFunction(() => document.querySelector('figure.stepper tbody tr:nth-child(3)').matches('.now'));
                await page.keyboard.press('Space');
                const now = await figure.locator('tr.now').innerText();
                await page.waitForTimeout(700);
                assert.equal(await figure.locator('tr.now').innerText(), now, 'a pause is one');
            });
        }
    });

    test(`without scripts nothing is lost, in ${language}`, () => on(`${language}/event-loop.html`, async (page) => {
        assert.ok(await page.locator('figure.stepper table').isVisible());
        assert.ok(await page.locator('figure.measured svg').first().isVisible());
        const answer = page.locator('details:has(> summary)').filter({ has: page.locator('p, pre') }).last();
        await answer.locator('> summary').click();
        assert.ok(await answer.locator('p, pre').first().isVisible());
        assert.equal(await page.locator('#book-search').isVisible(), false);
        assert.equal(await page.locator('.languages a').count(), (await languages()).length - 1);
    }, { javaScriptEnabled: false }));

    test(`the calculator answers, in ${language}`, () => on(`${language}/deciding.html`, async (page) => {
        const figure = page.locator('figure.calculator');
        const cells = () => figure.locator('tr[data-figures] td').allInnerTexts();
        const before = await cells();
        assert.ok(before.length > 0 && before.every((cell) => /\d/.test(cell)), before.join(' | '));
        await figure.locator('input[name=rate]').fill('50000');
        assert.notDeepEqual(await cells(), before);
        await figure.locator('input[name=rate]').fill('-1');
        assert.ok((await cells()).every((cell) => cell === '–'));
    }));

    test(`the choice of a machine holds for all figures, in ${language}`, () => on(`${language}/many.html`, async (page) => {
        const choices = page.locator('.machine-choice select');
        assert.ok(await choices.count() > 0);
        const second = await choices.first().locator('option').nth(1).getAttribute('value');
        await choices.first().selectOption(second);
        await page.reload();
        for (const choice of await choices.all()) {
            const offered = await choice.locator(`option[value="${second}"]`).count();
            if (offered > 0) assert.equal(await choice.inputValue(), second);
        }
    }));
}

test('another language stays on the page and in the section, and the choice is kept', () => on('en/locks.html', async (page) => {
    await page.locator('#measurement').scrollIntoViewIfNeeded();
    await page.evaluate(() => document.querySelector('#measurement').scrollIntoView());
    await page.locator('.languages a[data-language=it]').click();
    await page.waitForURL(/\/it\/locks\.html#measurement$/);
    await page.goto(`${book.root}/`);
    await page.waitForURL(/\/it\/index\.html$/);
}));

test('the first visit goes by the languages of the browser', async () => {
    for (const [locale, wanted] of [['it-CH', 'it'], ['en-GB', 'en'], ['ja-JP', 'en']]) {
        await on('', (page) => page.waitForURL(new RegExp(`/${wanted}/index\\.html$`)), { locale });
    }
});

test('all of the menu is reached by keyboard, and the text before it', () => on('en/tasks.html', async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip-link');
    await page.keyboard.press('Enter');
    assert.match(page.url(), /#mdbook-content$/);
    const toggle = page.locator('#mdbook-sidebar-toggle');
    await toggle.focus();
    const before = await toggle.getAttribute('aria-expanded');
    await page.keyboard.press('Enter');
    assert.notEqual(await toggle.getAttribute('aria-expanded'), before);
    await page.keyboard.press('Space');
    assert.equal(await toggle.getAttribute('aria-expanded'), before);
}));

test('nothing moves for readers who want it so', () => on('en/event-loop.html', async (page) => {
    const slow = await page.evaluate(() => [...document.querySelectorAll('*')].flatMap((element) => {
        const { transitionDuration, animationDuration } = getComputedStyle(element);
        const longest = Math.max(...`${transitionDuration},${animationDuration}`.split(',').map((one) => Number.parseFloat(one)));
        return longest > 0.001 ? [`${element.tagName}.${element.className} ${longest} s`] : [];
    }));
    assert.deepEqual(slow, []);
}, { reducedMotion: 'reduce' }));

test('on paper all numbers, both twins and all steps stand', () => on('en/event-loop.html', async (page) => {
    await page.emulateMedia({ media: 'print' });
    assert.ok(await page.locator('figure.stepper table').isVisible());
    assert.equal(await page.locator('figure.stepper .stage').isVisible(), false);
    const panels = page.locator('.twin figure.program');
    assert.ok(await panels.count() > 0);
    for (let number = 0; number < await panels.count(); number += 1) {
        assert.ok(await panels.nth(number).isVisible());
    }
}, { viewport: DESKTOP }));

test('lines of a twin that say the same are marked together', () => on('en/fairness.html', async (page) => {
    const twin = page.locator('.twin').filter({ hasText: 'hogs/main.py' }).first();
    const [python, rust] = [0, 1].map((number) => twin.locator('figure.program pre').nth(number));
    await python.scrollIntoViewIfNeeded();
    const bands = () => Promise.all([python, rust].map((pre) => pre.locator('.pair-band').count()));
    // `due = start + beat * period`, which stands in both.
    const line = await python.locator('code').evaluate((code) => {
        const lines = code.textContent.replace(/\n$/, '').split('\n');
        const top = parseFloat(getComputedStyle(code).paddingTop);
        return { at: lines.findIndex((text) => text.includes('due = start')), height: (code.clientHeight - 2 * top) / lines.length, top };
    });
    const box = await python.locator('code').boundingBox();
    await page.mouse.move(box.x + 60, box.y + line.top + (line.at + 0.5) * line.height);
    assert.deepEqual(await bands(), [1, 1]);
    const band = await rust.locator('.pair-band').boundingBox();
    const said = await rust.locator('code').evaluate((code, y) => {
        const padding = parseFloat(getComputedStyle(code).paddingTop);
        const lines = code.textContent.replace(/\n$/, '').split('\n');
        const height = (code.clientHeight - 2 * padding) / lines.length;
        return lines[Math.round((y - code.getBoundingClientRect().top - padding) / height)];
    }, band.y);
    assert.match(said, /let due = start/);
    await page.mouse.move(0, 0);
    assert.deepEqual(await bands(), [0, 0]);
    await python.focus();
    for (let step = 0; step <= line.at; step += 1) await page.keyboard.press('ArrowDown');
    assert.deepEqual(await bands(), [1, 1]);
}, { viewport: { width: 1800, height: 1000 } }));

test('a mark of a figure tells its value, by pointer and by keyboard', () => on('en/event-loop.html', async (page) => {
    const drawing = page.locator('figure.measured svg:has(g.point)').first();
    await drawing.scrollIntoViewIfNeeded();
    await drawing.locator('g.point').first().hover();
    const tip = page.locator('.tip');
    assert.match(await tip.innerText(), /: .*\d.*\(.*95/);
    const first = await tip.innerText();
    await page.mouse.move(0, 0);
    assert.equal(await tip.isVisible(), false);
    await drawing.focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await tip.innerText(), first);
    await page.keyboard.press('ArrowRight');
    assert.notEqual(await tip.innerText(), first);
    await page.keyboard.press('Escape');
    assert.equal(await tip.isVisible(), false);
    assert.match(page.url(), /event-loop\.html$/);
}));

test('data can be downloaded, and answers are kept', () => on('it/tasks.html', async (page) => {
    const data = page.locator('figure.measured .provenance a[download]').first();
    const response = await page.request.get(await data.evaluate((link) => link.href));
    assert.equal((await response.json()).experiment, 'spawn-tasks');
    const answer = page.locator('textarea.own-answer').first();
    await answer.fill('No: mai cominciato.');
    await page.reload();
    assert.equal(await answer.inputValue(), 'No: mai cominciato.');
    assert.equal(await page.locator('textarea.own-answer').nth(1).inputValue(), '');
}));

test('a snippet of Rust leads to the playground with all of its lines, and to nothing before', () => on('en/tasks.html', async (page) => {
    const links = page.locator('a.playground-link');
    assert.ok(await links.count() > 0);
    const address = new URL(await links.first().getAttribute('href'));
    assert.match(address.searchParams.get('code'), /fn main\(/);
    assert.equal(address.searchParams.get('edition'), '2024');
}));
