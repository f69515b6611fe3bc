'use strict';

// The calculator's tables stand in the page for the load that the form begins with. This script shows the form and computes them again at
// every change. crates/book/src/calculator.rs has the same formula and words; its tests run this file by Node.js and compare.
(() => {
    // Cores, processes and memory at one end ("low" or "high") of all intervals; seconds and bytes.
    function need(load, figures, end) {
        const [own, ownBytes, restBytes] = figures.oneCore
            ? [load.ownPython, load.ownBytesPython, load.restBytesPython]
            : [load.ownRust, load.ownBytesRust, load.restBytesRust];
        const work = own + figures.request[end] + load.calls * figures.call[end];
        const cores = load.rate * work / load.utilisation;
        const processes = figures.oneCore ? Math.max(Math.ceil(cores), 1) : 1;
        // Little's law.
        const inFlight = load.rate * load.latency;
        const memory = processes * (restBytes + figures.base[end])
            + inFlight * (ownBytes + figures.task[end]);
        return { cores, processes, memory };
    }

    function marked(digits, marks) {
        const [whole, fraction] = digits.split('.');
        const grouped = whole.replace(/\B(?=(\d{3})+$)/g, () => marks.thousands);
        return fraction === undefined ? grouped : grouped + marks.decimal + fraction;
    }

    function whole(value, marks) {
        return marked(value.toFixed(0), marks);
    }

    // To two significant digits.
    function twoDigits(value, marks) {
        if (value === 0) {
            return '0';
        }
        const rounded = value.toExponential(1);
        const decimals = Math.max(1 - Number(rounded.split('e')[1]), 0);
        return marked(Number(rounded).toFixed(decimals), marks);
    }

    function between(start, end, marks) {
        return start === end ? end : marks.range.replace('{start}', () => start).replace('{end}', () => end);
    }

    // What the last three columns of a row say.
    function cells(load, figures, marks) {
        const low = need(load, figures, 'low');
        const high = need(load, figures, 'high');
        const [size, unit] = high.memory >= 1e9 ? [1e9, 'GB'] : high.memory >= 1e6 ? [1e6, 'MB'] : [1e3, 'kB'];
        const memory = between(twoDigits(low.memory / size, marks), twoDigits(high.memory / size, marks), marks);
        return [
            between(twoDigits(low.cores, marks), twoDigits(high.cores, marks), marks),
            between(whole(low.processes, marks), whole(high.processes, marks), marks),
            `${memory}\u00a0${unit}`,
        ];
    }

    function inFlight(load, marks) {
        return whole(Math.round(load.rate * load.latency), marks);
    }

    if (typeof module !== 'undefined') {
        module.exports = { cells, inFlight };
        return;
    }

    for (const calculator of document.querySelectorAll('figure.calculator')) {
        const form = calculator.querySelector('form.load');
        const marks = form.dataset;
        const rows = [...calculator.querySelectorAll('tr[data-figures]')];
        const figures = rows.map((row) => JSON.parse(row.dataset.figures));

        function update() {
            const valid = form.checkValidity();
            const load = {};
            for (const input of form.querySelectorAll('input')) {
                load[input.name] = input.valueAsNumber * Number(input.dataset.factor);
                input.setAttribute('aria-invalid', String(!input.validity.valid));
            }
            form.elements.flight.textContent = valid ? inFlight(load, marks) : '–';
            rows.forEach((row, number) => {
                const texts = valid ? cells(load, figures[number], marks) : ['–', '–', '–'];
                row.querySelectorAll('td').forEach((cell, column) => {
                    cell.textContent = texts[column];
                });
            });
        }

        form.addEventListener('input', update);
        form.addEventListener('submit', (event) => event.preventDefault());
        form.hidden = false;
        for (const load of calculator.querySelectorAll('p.load')) {
            load.hidden = true;
        }
        // The browser may have kept what was entered before.
        update();
    }
})();
