'use strict';

// Python snippets that need nothing but a browser (marked `in_browser` in the chapters; the tests run each of them there) can be run by the
// reader. Python is loaded from the book's own place, with the first click and not before. Each run has an interpreter of its own.
(() => {
    const meta = document.querySelector('meta[name="book-python"]');
    // `asyncio.run` waits inside a call, so the browser has to be able to suspend WebAssembly. No worker can be started from a file.
    if (!meta || !('Suspending' in (window.WebAssembly ?? {})) || location.protocol === 'file:') return;
    const words = JSON.parse(meta.dataset.words);

    for (const code of document.querySelectorAll('main pre > code.language-python.in_browser')) offer(code);

    function offer(code) {
        const pre = code.parentElement;
        let buttons = pre.querySelector(':scope > .buttons');
        if (!buttons) {
            buttons = document.createElement('div');
            buttons.className = 'buttons';
            pre.prepend(buttons);
        }
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'run-python';
        button.title = words.run;
        button.setAttribute('aria-label', words.run);
        button.textContent = '▶';
        let end = () => {};
        button.addEventListener('click', () => {
            end();
            end = run(code.textContent, panelBelow(pre));
        });
        buttons.append(button);
    }

    function panelBelow(pre) {
        if (pre.nextElementSibling?.classList.contains('python-run')) pre.nextElementSibling.remove();
        const panel = document.createElement('div');
        panel.className = 'python-run';
        pre.after(panel);
        return panel;
    }

    // Starts a run and returns what ends it.
    function run(code, panel) {
        const state = add(panel, 'p', 'python-state');
        state.setAttribute('role', 'status');
        const stop = add(panel, 'button', 'python-stop', words.stop);
        stop.type = 'button';
        let output;
        let about;
        const worker = new Worker(meta.content, { type: 'module' });
        const finish = (said) => {
            worker.terminate();
            // The focus does not get lost with the button.
            if (document.activeElement === stop) panel.previousElementSibling?.querySelector('.run-python')?.focus();
            stop.remove();
            state.textContent = said;
        };
        const print = (text) => {
            output ??= panelOf(panel);
            output.append(`${text}\n`);
        };
        const kinds = {
            running: ({ python, pyodide }) => {
                state.textContent = words.running;
                about = add(panel, 'p', 'python-about', `${fill(words.about, { python, pyodide })} `);
                add(about, 'a', 'python-licences', words.licences).href = new URL('LICENSES.txt', new URL(meta.content, document.baseURI));
            },
            output: ({ text }) => print(text),
            ended: () => finish(words.ended),
            failed: ({ text }) => {
                print(text.trimEnd());
                finish(words.failed);
            },
            unavailable: () => finish(words.unavailable),
        };
        worker.addEventListener('message', ({ data }) => {
            kinds[data.kind]?.(data);
            if (about) panel.append(about);
        });
        worker.addEventListener('error', () => finish(words.unavailable));
        stop.addEventListener('click', () => finish(words.stopped));
        state.textContent = words.loading;
        worker.postMessage(code);
        return () => worker.terminate();
    }

    function panelOf(panel) {
        const pre = add(panel, 'pre', 'python-output');
        const code = add(pre, 'code', 'nohighlight');
        // It may be longer or wider than its place.
        code.tabIndex = 0;
        return code;
    }

    function add(parent, name, kind, text = '') {
        const element = document.createElement(name);
        element.className = kind;
        element.textContent = text;
        parent.append(element);
        return element;
    }

    function fill(text, values) {
        return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
    }
})();
