'use strict';

// Rust snippets that need nothing but the standard library and crates that the Rust Playground has can be run there: a link that opens
// it with the whole snippet, hidden lines included. Nothing is asked of it before the reader's click. (mdBook's own button asks it for its
// list of crates whenever a page is opened.)
(() => {
    const words = JSON.parse(document.querySelector('meta[name="book-words"]')?.content ?? '{}');
    if (!words.playground) return;
    const CRATES = new Set(['std', 'core', 'alloc', 'tokio', 'futures', 'rand', 'serde', 'serde_json', 'crate', 'self', 'super']);
    // What servers take as an address.
    const LONGEST = 7000;

    for (const code of document.querySelectorAll('main pre > code.language-rust')) {
        const kinds = [...code.classList];
        const alone = !kinds.some((kind) => /^(no_run|ignore|compile_fail|should_panic|program=.*)$/.test(kind));
        const text = code.textContent;
        const roots = [...text.matchAll(/^\s*(?:pub )?use (?:::)?(\w+)|#\[(\w+)::\w+[\](]/gm)].map((match) => match[1] ?? match[2]);
        if (!alone || !/\bfn main\(/.test(text) || !roots.every((root) => CRATES.has(root))) continue;
        const address = new URL('https://play.rust-lang.org/?version=stable&mode=debug&edition=2024');
        address.searchParams.set('code', text);
        if (address.href.length > LONGEST) continue;
        const link = document.createElement('a');
        link.className = 'playground-link';
        link.href = address.href;
        link.target = '_blank';
        link.rel = 'noopener noreferrer external';
        link.title = words.playground;
        link.setAttribute('aria-label', words.playground);
        link.textContent = '▶';
        const pre = code.parentElement;
        let buttons = pre.querySelector(':scope > .buttons');
        if (!buttons) {
            buttons = document.createElement('div');
            buttons.className = 'buttons';
            pre.prepend(buttons);
        }
        buttons.append(link);
    }
})();
