'use strict';

// Shows a translator what is left on this page, the catalog's entry of the paragraph in hand, and what the last save changed. The server
// adds this script to pages while they are translated; no published page has it.
(() => {
    const { language, build: BUILD } = document.currentScript.dataset;
    const SEEN = 'translator-build-' + language;
    const HIDDEN = 'translator-hidden';
    const NAMES = { missing: 'not translated', fuzzy: 'fuzzy', translated: 'translated' };

    let catalog = null;
    let current = null;
    let panel = null;

    function stored(storage, key) {
        try {
            return storage.getItem(key);
        } catch {
            // Storage is off: nothing is remembered.
            return null;
        }
    }

    function store(storage, key, value) {
        try {
            storage.setItem(key, value);
        } catch {
            // The same.
        }
    }

    function element(name, attributes = {}, ...children) {
        const created = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) {
            if (typeof value === 'function') {
                created.addEventListener(key, value);
            } else {
                created.setAttribute(key, value);
            }
        }
        created.append(...children);
        return created;
    }

    // --- Places: what shows a message. A paragraph shows one, a block of code one for each of its comments.

    const places = [...document.querySelectorAll('main [data-state]')];
    for (const code of document.querySelectorAll('main code[class*="entry-"]')) {
        places.push(code.closest('pre'));
    }
    places.sort((a, b) => (a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1));

    // Lines of the catalog; none for what is not in it yet.
    function lines(place) {
        if (place.dataset.entry) {
            return [Number(place.dataset.entry)];
        }
        const classes = [...(place.querySelector('code')?.classList ?? [])];
        return classes.map((name) => Number(/^entry-(\d+)$/.exec(name)?.[1])).filter(Boolean);
    }

    const entry = (line) => catalog.entries.find((entry) => entry.line === line);
    const entries = (place) => lines(place).map(entry).filter(Boolean);
    const isNew = (place) =>
        place.matches('pre') ? place.querySelector('code.entry-new') !== null : !place.dataset.entry;
    // What the check says of a missing or fuzzy entry is that it is missing or fuzzy.
    const mistakes = (entry) => (entry.state === 'translated' ? entry.mistakes : []);
    const isLeft = (entry) => entry.state !== 'translated' || mistakes(entry).length > 0;
    const isPlaceLeft = (place) => isNew(place) || entries(place).some(isLeft);

    function stateOf(place) {
        const found = entries(place);
        if (isNew(place) || found.some((entry) => entry.state === 'missing')) {
            return 'missing';
        }
        if (found.some((entry) => entry.state === 'fuzzy')) {
            return 'fuzzy';
        }
        return found.some((entry) => mistakes(entry).length > 0) ? 'wrong' : 'translated';
    }

    function mark() {
        for (const place of places) {
            place.dataset.translator = stateOf(place);
            // What is left can be reached by the tabulator; all can take the focus by a click or by a key.
            place.tabIndex = isPlaceLeft(place) ? 0 : -1;
        }
    }

    function show(place) {
        for (let around = place; around; around = around.parentElement) {
            if (around.matches('details')) {
                around.open = true;
            }
        }
        place.scrollIntoView({ block: 'center' });
    }

    function go(place) {
        show(place);
        place.focus({ preventScroll: true });
    }

    // The next of these places after the one in hand, or after what is on the screen; from the end back to the start.
    function step(candidates, forward) {
        if (candidates.length === 0) {
            return;
        }
        const from = current?.isConnected ? current : null;
        const isAfter = (place) =>
            from
                ? from.compareDocumentPosition(place) & Node.DOCUMENT_POSITION_FOLLOWING
                : place.getBoundingClientRect().top > 0;
        const isBefore = (place) => place !== from && !isAfter(place);
        const next = forward ? candidates.find(isAfter) : candidates.findLast(isBefore);
        go(next ?? (forward ? candidates[0] : candidates.at(-1)));
    }

    // --- The panel

    function about(entry) {
        const parts = [
            element('p', { class: 'translator-place' },
                element('strong', {}, `${catalog.catalog}:${entry.line}`), ` ${NAMES[entry.state]}, ${entry.sources.join(' ')}`),
        ];
        for (const mistake of mistakes(entry)) {
            parts.push(element('p', { class: 'translator-mistake' }, `${catalog.catalog}:${mistake.line}: ${mistake.severity}: ${mistake.message}. `,
                element('em', {}, mistake.help)));
        }
        for (const comment of entry.comments) {
            parts.push(element('p', { class: 'translator-comment' }, comment));
        }
        const source = element('details', {}, element('summary', {}, 'Source text'), element('pre', {}, entry.msgid));
        source.open = isSourceOpen;
        source.addEventListener('toggle', () => (isSourceOpen = source.open));
        parts.push(source);
        if (entry.previous !== null) {
            parts.push(element('details', {}, element('summary', {}, 'What the fuzzy translation is of'),
                element('pre', {}, entry.previous)));
        }
        return parts;
    }

    let isSourceOpen = false;

    function tell(place) {
        if (!catalog || place === current) {
            return;
        }
        current?.removeAttribute('aria-describedby');
        current?.classList.remove('translator-current');
        current = place;
        current.classList.add('translator-current');
        current.setAttribute('aria-describedby', 'translator-entry');
        const parts = entries(place).flatMap(about);
        if (isNew(place)) {
            parts.push(element('p', {}, 'Not in the catalog yet: run ', element('code', {}, 'cargo xtask translate update')));
        }
        panel.entry.replaceChildren(...parts);
    }

    const brief = (text) => (text.length > 70 ? text.slice(0, 70) + '…' : text);

    function list(title, items) {
        return element('details', { class: 'translator-list' },
            element('summary', {}, `${title}: ${items.length}`), element('ol', {}, ...items.map((item) => element('li', {}, item))));
    }

    function build() {
        const hide = stored(localStorage, HIDDEN) === 'true';
        document.documentElement.classList.toggle('translator', !hide);
        const button = (text, name, shortcut, action) =>
            element('button', { type: 'button', title: `${name} (${shortcut})`, 'aria-label': name, 'aria-keyshortcuts': shortcut, click: action }, text);
        const heading = element('p', { class: 'translator-count', role: 'status' });
        const toggle = element('button', { type: 'button', 'aria-pressed': String(!hide), click: () => {
            const shown = document.documentElement.classList.toggle('translator');
            toggle.setAttribute('aria-pressed', String(shown));
            store(localStorage, HIDDEN, String(!shown));
        } }, 'Marks');
        panel = {
            heading,
            notice: element('div', { class: 'translator-notice', role: 'status' }),
            entry: element('div', { id: 'translator-entry' },
                element('p', {}, 'Point at a paragraph, or go to one, to see its entry. ', element('kbd', {}, 'n'), ' and ', element('kbd', {}, 'p'),
                    ' go to the next and the previous that is left to do, with Shift to the next and the previous of all.')),
            left: element('div'),
            elsewhere: element('div'),
        };
        const details = element('details', { class: 'translator-body' }, element('summary', {}, 'Entry and lists'),
            panel.notice, panel.entry, panel.left, panel.elsewhere);
        // On a narrow screen it would cover what is to be read.
        details.open = window.matchMedia('(min-width: 60rem)').matches;
        const bar = element('div', { class: 'translator-bar' }, heading,
            button('↑', 'Previous that is left', 'p', () => step(places.filter(isPlaceLeft), false)),
            button('↓', 'Next that is left', 'n', () => step(places.filter(isPlaceLeft), true)), toggle);
        document.body.append(element('aside', { class: 'translator-panel', lang: 'en', dir: 'ltr', 'aria-label': 'Translation' }, bar, details));
    }

    function fill() {
        mark();
        const left = places.filter(isPlaceLeft);
        const checked = catalog.checked ? '' : ', checking…';
        panel.heading.textContent = `${catalog.language}: ${left.length} left on this page${checked}`;
        const title = (place) => {
            const text = place.matches('pre') ? entries(place).find(isLeft)?.msgid ?? 'code' : place.textContent;
            return `${NAMES[stateOf(place)] ?? 'to mend'}: ${brief(text.trim())}`;
        };
        panel.left.replaceChildren(list('Left on this page',
            left.map((place) => element('button', { type: 'button', click: () => go(place) }, title(place)))));
        const here = new Set(places.flatMap(lines));
        const elsewhere = catalog.entries.filter((entry) => isLeft(entry) && !here.has(entry.line));
        panel.elsewhere.replaceChildren(list('Left elsewhere', elsewhere.map((entry) => link(entry))));
        if (current) {
            const place = current;
            current = null;
            tell(place);
        }
    }

    // To an entry on another page, or its text where it is on none: titles, words of figures and of the interface.
    function link(entry) {
        const text = `${catalog.catalog}:${entry.line} ${brief(entry.msgid)}`;
        const page = entry.pages[0];
        return page ? element('a', { href: `/${language}/${page}#entry=${entry.line}` }, text) : text;
    }

    // --- What is shown when the page comes up

    function find(line) {
        return places.filter((place) => lines(place).includes(line));
    }

    function highlight(found) {
        for (const place of found) {
            place.classList.add('translator-changed');
        }
        if (found.length > 0) {
            go(found[0]);
        }
    }

    function follow() {
        const line = Number(/^#entry=(\d+)$/.exec(location.hash)?.[1]);
        if (line) {
            highlight(find(line));
            // Once: the page loads itself anew after each save.
            history.replaceState(null, '', location.pathname + location.search);
        }
    }

    // The page was loaded because something was saved: shows what that changed.
    function arrive() {
        const seen = Number(stored(sessionStorage, SEEN));
        store(sessionStorage, SEEN, String(catalog.build));
        const changed = catalog.entries.filter((entry) => entry.changed);
        if (!seen || seen >= catalog.build || changed.length === 0) {
            follow();
            return;
        }
        const here = changed.flatMap((entry) => find(entry.line));
        const elsewhere = changed.filter((entry) => find(entry.line).length === 0);
        highlight(here);
        if (elsewhere.length > 0) {
            panel.notice.append(element('p', {}, 'Changed elsewhere:'),
                element('ul', {}, ...elsewhere.slice(0, 10).map((entry) => element('li', {}, link(entry)))));
            if (elsewhere.length > 10) {
                panel.notice.append(element('p', {}, `and ${elsewhere.length - 10} more`));
            }
            panel.notice.closest('details').open = true;
        }
    }

    async function load() {
        const answer = await fetch(`/__translate/${language}.json`);
        catalog = await answer.json();
    }

    // Resolves when nothing that the server says from now on is missed.
    function listen() {
        const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
        const socket = new WebSocket(`${scheme}//${location.host}/__livereload`);
        // mdBook's own script loads the page anew; this waits for the check, which takes longer than the build.
        socket.addEventListener('message', async (event) => {
            if (event.data === 'checked') {
                await load();
                if (panel) {
                    fill();
                }
            }
        });
        window.addEventListener('beforeunload', () => socket.close());
        return new Promise((resolve) => {
            socket.addEventListener('open', resolve);
            socket.addEventListener('error', resolve);
        });
    }

    function keys(event) {
        const typing = event.target.closest?.('input, textarea, select, [contenteditable]');
        if (typing || event.ctrlKey || event.altKey || event.metaKey || !document.documentElement.classList.contains('translator')) {
            return;
        }
        const key = event.key.toLowerCase();
        if (key === 'n' || key === 'p') {
            step(event.shiftKey ? places : places.filter(isPlaceLeft), key === 'n');
            event.preventDefault();
        }
    }

    async function start() {
        await listen();
        await load();
        if (catalog.build > Number(BUILD)) {
            // This page is of the build before, and was not there yet to be told.
            location.reload();
            return;
        }
        build();
        fill();
        for (const kind of ['mouseover', 'focusin']) {
            document.addEventListener(kind, (event) => {
                // The place in hand by keyboard stays until another is pointed at.
                const place = event.target.closest?.('[data-translator]');
                if (place) {
                    tell(place);
                }
            });
        }
        document.addEventListener('keydown', keys);
        window.addEventListener('hashchange', follow);
        arrive();
    }

    // Once styles and pictures are there, so that what is scrolled to stays where it is.
    if (document.readyState === 'complete') {
        start();
    } else {
        window.addEventListener('load', start);
    }
})();
