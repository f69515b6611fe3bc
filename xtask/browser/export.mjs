// Other forms of the editions: each as a PDF, printed by the browser, an image for those with whom it is shared, and the parts that an EPUB is packed from, as well-formed XHTML with
// the figures as images of their own. `cargo xtask export` calls this and packs the EPUB.
//
//     BOOK=... CHROMIUM=... node export.mjs FOLDER LANGUAGE...

import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

import { launch, serve } from './book.mjs';

const [folder, ...languages] = process.argv.slice(2);
const book = await serve();
const browser = await launch();
try {
    for (const language of languages) {
        const target = path.join(folder, language);
        await rm(target, { recursive: true, force: true });
        await mkdir(target, { recursive: true });
        await parts(language, target);
        await pdf(language, `${target}.pdf`);
        await card(language, `${target}.png`);
    }
} finally {
    await browser.close();
    await book.close();
}

async function pdf(language, file) {
    const page = await fresh('light');
    await page.goto(`${book.root}/${language}/print.html`, { waitUntil: 'load', timeout: 300_000 });
    await page.emulateMedia({ media: 'print', colorScheme: 'light' });
    await page.pdf({
        path: file,
        format: 'A4',
        margin: { top: '20mm', bottom: '20mm', left: '18mm', right: '18mm' },
        displayHeaderFooter: true,
        headerTemplate: '<span></span>',
        footerTemplate: '<div style="width:100%;font-size:8px;text-align:center"><span class="pageNumber"></span></div>',
        outline: true,
        tagged: true,
        timeout: 600_000,
    });
    await page.context().close();
}

// The image that those see with whom a page is shared: title and description of the edition.
async function card(language, file) {
    const page = await fresh('light');
    await page.setViewportSize({ width: 1200, height: 630 });
    await page.goto(`${book.root}/${language}/index.html`);
    const [title, description] = await page.evaluate(() => [
        document.querySelector('.menu-title').textContent.trim(),
        document.querySelector('meta[name="description"]').content,
    ]);
    await page.evaluate(({ title, description }) => {
        const [name, rest] = [title.split(':')[0], title.split(':').slice(1).join(':').trim()];
        document.head.replaceChildren();
        const style = document.createElement('style');
        style.textContent = `
            body { margin: 0; width: 1200px; height: 630px; box-sizing: border-box; padding: 80px; background: #fff; color: #14202b;
                   font-family: system-ui, sans-serif; display: flex; flex-direction: column; justify-content: center;
                   border-bottom: 24px solid #4627f3; }
            h1 { margin: 0; font-size: 84px; line-height: 1.1; } h2 { margin: 16px 0 40px; font-size: 44px; font-weight: 500; color: #4627f3; }
            p { margin: 0; font-size: 30px; line-height: 1.4; color: #46525e; }`;
        document.head.append(style);
        const part = (element, text) => Object.assign(document.createElement(element), { textContent: text });
        document.body.replaceChildren(part('h1', name), part('h2', rest), part('p', description));
    }, { title, description });
    await page.screenshot({ path: file });
    await page.context().close();
}

async function fresh(theme) {
    const context = await browser.newContext({ viewport: { width: 900, height: 1200 }, serviceWorkers: 'block' });
    await context.addInitScript((name) => {
        localStorage.setItem('mdbook-theme', name);
        // The page of all chapters asks to be printed.
        window.print = () => {};
    }, theme);
    return context.newPage();
}

// Every chapter in the order of the table of contents, which is also written down.
async function parts(language, target) {
    const page = await fresh('light');
    await page.goto(`${book.root}/${language}/toc.html`);
    const contents = await page.evaluate(() => [...document.querySelectorAll('ol.chapter a[href]')]
        .map((link) => ({ file: link.getAttribute('href'), title: link.textContent.trim().replace(/\s+/g, ' ') }))
        .filter(({ file }) => file.endsWith('.html')));
    const files = new Set(contents.map(({ file }) => file));
    for (const { file, title } of contents) {
        await page.goto(`${book.root}/${language}/${file}`);
        const { xhtml, images } = await page.evaluate(chapter, { files: [...files], name: file.replace(/\.html$/, ''), title, language });
        await writeFile(path.join(target, file.replace(/\.html$/, '.xhtml')), xhtml);
        for (const [name, svg] of images) await writeFile(path.join(target, name), svg);
    }
    await writeFile(path.join(target, 'contents.json'), JSON.stringify(contents, null, 1));
    await page.context().close();
}

// Runs in the page.
function chapter({ files, name, title, language }) {
    const main = document.querySelector('main');
    // What only a screen with scripts has a use for; hidden lines are those that the page hides.
    const away = '.buttons, .boring, script, .machine-choice, .twin-tabs, .stage, form, textarea, .tip, a.header:empty';
    const images = [];
    // Colours come from the style sheet of the page, which a reading device does not have.
    const serializer = new XMLSerializer();
    main.querySelectorAll('svg').forEach((drawing, number) => {
        const copy = drawing.cloneNode(true);
        const originals = drawing.querySelectorAll('*');
        copy.querySelectorAll('*').forEach((element, at) => {
            const style = getComputedStyle(originals[at]);
            element.removeAttribute('style');
            if (element.closest('title, desc')) return;
            for (const property of ['fill', 'stroke']) element.setAttribute(property, style[property]);
            if (element.localName === 'text') {
                element.setAttribute('font-family', 'sans-serif');
                element.setAttribute('font-size', style.fontSize);
                element.setAttribute('font-weight', style.fontWeight);
                element.setAttribute('paint-order', 'stroke');
                element.setAttribute('stroke', '#ffffff');
            }
        });
        copy.removeAttribute('style');
        copy.removeAttribute('tabindex');
        copy.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
        copy.setAttribute('color', '#000000');
        const { width, height } = drawing.viewBox.baseVal;
        copy.setAttribute('width', width);
        copy.setAttribute('height', height);
        if (!width || drawing.closest('.blockquote-tag-title, button')) {
            drawing.remove();
            return;
        }
        const file = `${name.replaceAll('/', '-')}-${number}.svg`;
        images.push([file, serializer.serializeToString(copy)]);
        const image = document.createElement('img');
        image.src = file;
        image.alt = [drawing.querySelector('title')?.textContent, drawing.querySelector('desc')?.textContent].filter(Boolean).join('. ');
        drawing.replaceWith(image);
    });
    const copy = main.cloneNode(true);
    copy.querySelectorAll(away).forEach((element) => element.remove());
    copy.querySelectorAll('details').forEach((details) => {
        // A reading device may not unfold.
        const section = document.createElement('div');
        section.className = 'folded';
        const summary = details.querySelector(':scope > summary');
        if (summary) {
            const heading = document.createElement('p');
            heading.className = 'summary';
            heading.append(...summary.childNodes);
            summary.replaceWith(heading);
        }
        section.append(...details.childNodes);
        details.replaceWith(section);
    });
    copy.querySelectorAll('a[href]').forEach((link) => {
        const [file, id] = link.getAttribute('href').split('#');
        const scheme = /^[a-z][a-z0-9+.-]*:/i.test(file);
        if (file === '' || scheme) return;
        if (files.includes(file)) {
            link.setAttribute('href', file.replace(/\.html$/, '.xhtml') + (id ? `#${id}` : ''));
        } else {
            link.replaceWith(...link.childNodes);
        }
    });
    const KEPT = new Set(['id', 'class', 'href', 'src', 'alt', 'lang', 'dir', 'colspan', 'rowspan', 'scope', 'title', 'datetime', 'start']);
    copy.querySelectorAll('*').forEach((element) => {
        for (const { name: attribute } of [...element.attributes]) {
            if (!KEPT.has(attribute)) element.removeAttribute(attribute);
        }
        element.hidden = false;
    });
    const body = [...copy.childNodes].map((node) => serializer.serializeToString(node)).join('');
    const escaped = title.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
    const xhtml = `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" lang="${language}" xml:lang="${language}">\n`
        + `<head><title>${escaped}</title><link rel="stylesheet" type="text/css" href="stylesheet.css"/></head>\n<body>${body}</body>\n</html>\n`;
    return { xhtml, images };
}
