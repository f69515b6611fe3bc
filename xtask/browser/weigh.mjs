// What a first view of each chapter loads, compressed, in two builds of the same edition.
//
//     CHROMIUM=... node weigh.mjs OURS OTHER LANGUAGE

import { DESKTOP, chapters, launch, serve, weight } from './book.mjs';

const [ours, other, language] = process.argv.slice(2);
const browser = await launch();
const all = { ours: [], other: [] };
for (const [name, folder] of [['ours', ours], ['other', other]]) {
    const book = await serve(folder);
    const context = await browser.newContext({ viewport: DESKTOP, serviceWorkers: 'block' });
    const page = await context.newPage();
    for (const chapter of await chapters(language, folder)) {
        all[name].push(await weight(page, `${book.root}/${language}/${chapter}`));
    }
    await context.close();
    await book.close();
}
await browser.close();

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];
const kilobytes = (bytes) => `${Math.round(bytes / 1000)} kB`;
for (const [what, of] of [['median', median], ['largest', (values) => Math.max(...values)]]) {
    const [one, two] = [of(all.ours), of(all.other)];
    console.log(`first view of a chapter, ${what}: ${kilobytes(one)}, by mdBook's default theme ${kilobytes(two)}, ratio ${(one / two).toFixed(2)}`);
}
