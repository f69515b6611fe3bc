'use strict';

// The search: a button in the menu bar, and a dialogue over the page. Pagefind's script and the pieces of its index are loaded with the
// first query, from beside the page. Without scripts there is no button. crates/book/src/search.rs makes the index; page.rs the button.
(() => {
    const button = document.getElementById('book-search');
    if (!button) return;
    const words = button.dataset;
    // Pages and their sections that are shown for a query.
    const PAGES = 10;
    const SECTIONS = 3;
    // Milliseconds without a key before a query is asked.
    const PAUSE = 120;
    // What is written together with the next word, in Italian, French and Catalan; in the index it stands apart. "un po' di" is not.
    const ELIDED = '(?<!\\p{L})(?:l|un|d|[dans]ell|all|sull|coll|quell|quest|[cgjmnstv]|gl|qu|lorsqu|puisqu|jusqu|anch|cos|com|dov|tutt|senz|bell|'
        + 'nessun|qualcun|ciascun|quand|mezz|altr|vent|trent|quarant|cinquant|sessant|settant|ottant|novant)[\'’]';

    let dialog;
    let input;
    let status;
    let results;
    let asked = 0;
    let timer;

    button.hidden = false;
    button.addEventListener('click', open);
    document.addEventListener('keydown', (event) => {
        if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey && event.key !== '/') return;
        if (event.key !== '/' && event.key !== 's') return;
        if (event.target.closest?.('input, select, textarea, dialog, [contenteditable]')) return;
        event.preventDefault();
        open();
    });

    function open() {
        if (!dialog) {
            build();
        }
        dialog.showModal();
        input.select();
        load().catch(unavailable);
    }

    function build() {
        dialog = document.createElement('dialog');
        dialog.className = 'book-search';
        dialog.setAttribute('aria-label', button.getAttribute('aria-label'));
        const form = document.createElement('form');
        form.setAttribute('role', 'search');
        input = document.createElement('input');
        input.type = 'search';
        input.placeholder = words.placeholder;
        input.setAttribute('aria-label', words.placeholder);
        input.autocomplete = 'off';
        input.spellcheck = false;
        const close = document.createElement('button');
        close.type = 'button';
        close.textContent = words.close;
        close.addEventListener('click', () => dialog.close());
        form.append(input, close);
        status = document.createElement('p');
        status.setAttribute('role', 'status');
        results = document.createElement('ol');
        dialog.append(form, status, results);
        document.body.append(dialog);

        // Enter goes to the first result, and does not close.
        form.addEventListener('submit', (event) => {
            event.preventDefault();
            results.querySelector('a')?.click();
        });
        input.addEventListener('input', () => {
            clearTimeout(timer);
            timer = setTimeout(ask, PAUSE);
        });
        // A click beside the dialogue closes it.
        dialog.addEventListener('click', (event) => {
            if (event.target === dialog) dialog.close();
        });
        dialog.addEventListener('keydown', (event) => {
            // The page's own keys, left and right among them, are not for a reader who writes.
            event.stopPropagation();
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (step === undefined) return;
            event.preventDefault();
            const stops = [input, ...results.querySelectorAll('a')];
            const at = stops.indexOf(document.activeElement);
            stops[Math.min(Math.max(at + step, 0), stops.length - 1)].focus();
        });
        // A result on this very page: nothing is loaded, so the dialogue has to go.
        results.addEventListener('click', (event) => {
            if (event.target.closest('a')) dialog.close();
        });
    }

    // Pagefind, once.
    let loading;
    function load() {
        loading ??= (async () => {
            const root = new URL(words.root || './', document.baseURI);
            const pagefind = await import(new URL('pagefind/pagefind.js', root));
            await pagefind.options({ baseUrl: root.pathname, excerptLength: 24 });
            await pagefind.init();
            return pagefind;
        })();
        return loading;
    }

    function unavailable(error) {
        loading = undefined;
        status.textContent = words.unavailable;
        console.warn(error);
    }

    // The words to look up. An elided article is none: in the index it stands apart, and is everywhere.
    function query() {
        const text = input.value.trim();
        return words.elides === 'true' ? text.replace(/\p{L}+['’](?=\p{L})/gu, '') : text;
    }

    async function ask() {
        const mine = ++asked;
        const text = query();
        if (text === '') {
            status.textContent = '';
            results.replaceChildren();
            return;
        }
        try {
            const pagefind = await load();
            const found = await pagefind.search(text);
            const pages = await Promise.all(found.results.slice(0, PAGES).map((result) => result.data()));
            // The reader has gone on writing.
            if (mine !== asked) return;
            const count = found.results.length;
            const form = count === 0 ? words.none : count === 1 ? words.one : words.several;
            status.textContent = form.replace('{query}', () => input.value.trim()).replace('{count}', () => count);
            results.replaceChildren(...pages.map(item));
        } catch (error) {
            unavailable(error);
        }
    }

    function item(page) {
        const element = document.createElement('li');
        element.append(link(page.url, page.meta.title, 'page'));
        // The first heading of a page is its title.
        const own = (section) => section.url === page.url || section.title === page.meta.title;
        const sections = page.sub_results.filter((section) => !own(section)).slice(0, SECTIONS);
        if (sections.length === 0) {
            element.append(excerpt(page.excerpt));
            return element;
        }
        const list = document.createElement('ul');
        for (const section of sections) {
            const part = document.createElement('li');
            part.append(link(section.url, section.title, 'section'), excerpt(section.excerpt));
            list.append(part);
        }
        element.append(list);
        return element;
    }

    function link(address, text, kind) {
        const element = document.createElement('a');
        element.className = kind;
        element.href = address;
        element.textContent = joined(text);
        return element;
    }

    // Text with the words that were found in <mark>, and no other element, whatever the index holds.
    function excerpt(html) {
        const element = document.createElement('p');
        const parsed = new DOMParser().parseFromString(html, 'text/html');
        const walk = document.createTreeWalker(parsed.body, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
            const text = walk.currentNode.data;
            if (walk.currentNode.parentElement.localName === 'mark') {
                const mark = document.createElement('mark');
                mark.textContent = text;
                element.append(mark);
            } else {
                element.append(text);
            }
        }
        element.normalize();
        for (const node of element.childNodes) {
            const last = node.nextSibling?.localName === 'mark' && words.elides === 'true';
            if (node.nodeType === Node.TEXT_NODE) {
                node.data = joined(node.data);
                if (last) node.data = node.data.replace(new RegExp(`(${ELIDED}) $`, 'iu'), '$1');
            }
        }
        return element;
    }

    // As it is written.
    function joined(text) {
        return words.elides === 'true' ? text.replace(new RegExp(`(${ELIDED}) (?=\\p{L})`, 'giu'), '$1') : text;
    }
})();
