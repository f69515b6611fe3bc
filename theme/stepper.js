'use strict';

// What a loop or an executor did stands in the page as a table, a line to a step. This script shows one step at a time above it, and folds
// the table. Left and right go a step, blank plays; nothing moves by itself unless the reader says so. crates/book/src/stepper.rs writes
// the table and the words.
(() => {
    // Milliseconds to a step.
    const SPEEDS = [['0.5×', 2400], ['1×', 1200], ['2×', 600], ['4×', 300]];

    document.querySelectorAll('figure.stepper').forEach((figure) => {
        const words = figure.dataset;
        const table = figure.querySelector('table');
        const heads = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
        const rows = [...table.tBodies[0].rows];
        // The cell that says what happens; behind it stand who runs, who is in the queue, who waits.
        const sentence = heads.length - Number(words.places) - 1;
        let at = 0;
        let timer;

        const stage = element('div', 'stage');
        stage.tabIndex = 0;
        stage.setAttribute('role', 'group');
        stage.setAttribute('aria-label', words.place);
        const said = element('p', 'said');
        said.setAttribute('aria-live', 'polite');
        const boxes = heads.slice(sentence + 1).map((head) => {
            const box = element('div', 'box');
            const title = element('div', 'title');
            title.textContent = head;
            const content = element('div', 'held');
            box.append(title, content);
            return { box, content };
        });
        const grid = element('div', 'boxes');
        grid.append(...boxes.map(({ box }) => box));

        const controls = element('div', 'controls');
        const back = button('‹', words.back, () => go(at - 1));
        const play = button('', words.play, toggle);
        const next = button('›', words.next, () => go(at + 1));
        const slider = document.createElement('input');
        slider.type = 'range';
        slider.min = 1;
        slider.max = rows.length;
        slider.setAttribute('aria-label', words.place);
        slider.addEventListener('input', () => go(slider.valueAsNumber - 1));
        const label = element('label', 'speed');
        const speed = document.createElement('select');
        speed.append(...SPEEDS.map(([name, pause]) => new Option(name, pause, name === '1×', name === '1×')));
        speed.addEventListener('change', () => {
            if (timer !== undefined) start();
        });
        label.append(words.speed, ' ', speed);
        const count = element('span', 'count');
        controls.append(back, play, next, slider, count, label);

        stage.append(controls, said, grid);
        const all = document.createElement('details');
        const summary = document.createElement('summary');
        summary.textContent = words.all;
        const wrapper = table.closest('.table-wrapper') ?? table;
        wrapper.replaceWith(stage, all);
        all.append(summary, wrapper);

        stage.addEventListener('keydown', (event) => {
            if (event.altKey || event.ctrlKey || event.metaKey) return;
            const own = event.target === speed || event.target === slider;
            const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: rows.length - 1 }[event.key];
            if (to !== undefined) {
                // Left and right are mdBook's keys for the chapters before and after.
                event.stopPropagation();
                if (own) return;
                event.preventDefault();
                go(to);
            } else if (event.key === ' ' && event.target === stage) {
                event.preventDefault();
                toggle();
            }
        });
        show();

        function go(to) {
            stop();
            move(to);
        }

        function move(to) {
            at = Math.min(Math.max(to, 0), rows.length - 1);
            show();
        }

        function show() {
            const cells = [...rows[at].cells];
            const clock = sentence > 1 ? `${heads[1]}: ${cells[1].textContent}` : '';
            said.replaceChildren(...[...cells[sentence].childNodes].map((node) => node.cloneNode(true)));
            boxes.forEach(({ content }, number) => {
                const cell = cells[sentence + 1 + number];
                content.replaceChildren(...[...cell.children].map((name) => name.cloneNode(true)));
            });
            rows.forEach((row, number) => row.classList.toggle('now', number === at));
            slider.value = at + 1;
            const place = words.step.replace('{number}', at + 1).replace('{count}', rows.length);
            slider.setAttribute('aria-valuetext', place);
            count.textContent = clock === '' ? place : `${place} · ${clock}`;
            back.disabled = at === 0;
            next.disabled = at === rows.length - 1;
            const playing = timer !== undefined;
            play.textContent = playing ? '❚❚' : '▶';
            play.setAttribute('aria-label', playing ? words.pause : words.play);
            play.title = playing ? words.pause : words.play;
        }

        function toggle() {
            if (timer !== undefined) {
                stop();
            } else {
                if (at === rows.length - 1) at = 0;
                start();
            }
            show();
        }

        function start() {
            clearInterval(timer);
            timer = setInterval(() => {
                move(at + 1);
                if (at === rows.length - 1) {
                    stop();
                    show();
                }
            }, Number(speed.value));
        }

        function stop() {
            clearInterval(timer);
            timer = undefined;
        }

        function button(text, name, action) {
            const made = document.createElement('button');
            made.type = 'button';
            made.textContent = text;
            made.title = name;
            made.setAttribute('aria-label', name);
            made.addEventListener('click', action);
            return made;
        }
    });

    function element(name, kind) {
        const made = document.createElement(name);
        made.className = kind;
        return made;
    }
})();
