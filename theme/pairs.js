'use strict';

// Where both programs of a twin stand beside each other, the line under the pointer is marked together with the line of the other program
// that says the same. Nobody typed in which these are: lines are matched in their order by the names that they share, names that are rare in
// the twin counting most, and where none match well enough nothing is marked. With the focus on a program, up and down go from line to line.
(() => {
    // How much of what two lines name they must have in common.
    const ENOUGH = 0.3;
    // Words of the languages, which any two lines may share.
    const COMMON = new Set(`and as async await be break class const continue crate def dyn elif else enum except false finally fn for from if impl
        import in into is let loop match mod move mut none not ok or pass pub raise ref return self some static str string struct super true try
        type use usize u8 u16 u32 u64 i32 i64 f64 bool int float bytes vec unwrap expect clone iter where while with yield lambda range 0 1 ms`.split(/\s+/));
    // What one language calls otherwise than the other.
    const SAME = {
        spawn: 'task', create: 'task', tasks: 'task', gather: 'join', sendall: 'write', drain: 'write', recv: 'read', readexactly: 'read',
        append: 'push', put: 'send', len: 'length', perf: 'now', instant: 'now', monotonic: 'now', elapsed: 'now',
        taskgroup: 'group', joinset: 'group', timeout: 'timeout', wait: 'timeout', shutdown: 'close', aclose: 'close', drop: 'close', del: 'close',
        assert: 'assert', assert_eq: 'assert', print: 'print', println: 'print', dumps: 'json', serde: 'json', cancel: 'abort', aborted: 'abort',
    };

    if (typeof module !== 'undefined') {
        module.exports = { align, names };
        return;
    }

    for (const twin of document.querySelectorAll('.twin')) {
        const programs = [...twin.querySelectorAll(':scope > figure.program pre > code')];
        if (programs.length === 2) prepare(twin, programs);
    }

    function prepare(twin, programs) {
        let pairs;
        programs.forEach((code, side) => {
            const pre = code.parentElement;
            pre.tabIndex = 0;
            pre.addEventListener('pointermove', (event) => mark(side, lineAt(code, event.clientY)));
            pre.addEventListener('pointerleave', clear);
            pre.addEventListener('blur', clear);
            let line = -1;
            pre.addEventListener('keydown', (event) => {
                const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
                if (step === undefined || !beside() || event.altKey || event.ctrlKey || event.metaKey) return;
                const next = Math.min(Math.max(line + step, 0), visible(code).length - 1);
                if (next === line) return;
                event.preventDefault();
                line = next;
                mark(side, line);
            });
        });

        function beside() {
            return getComputedStyle(twin).display === 'grid';
        }

        function mark(side, line) {
            clear();
            if (!beside() || line < 0) return;
            const lines = programs.map(visible);
            // Hidden lines that were shown change the count.
            if (pairs?.counts !== `${lines[0].length} ${lines[1].length}`) {
                pairs = align(lines[0].map(names), lines[1].map(names));
                pairs.counts = `${lines[0].length} ${lines[1].length}`;
            }
            const other = pairs.filter((pair) => pair[side] === line).map((pair) => pair[1 - side]);
            if (other.length === 0) return;
            band(programs[side], line);
            for (const at of other) band(programs[1 - side], at);
        }

        function clear() {
            for (const old of twin.querySelectorAll('.pair-band')) old.remove();
        }
    }

    // The lines of a program that are on the page.
    function visible(code) {
        const hidden = code.classList.contains('hide-boring');
        let text = '';
        for (const node of code.childNodes) {
            if (hidden && node.nodeType === Node.ELEMENT_NODE && node.classList.contains('boring')) continue;
            text += node.textContent;
        }
        return text.replace(/\n$/, '').split('\n');
    }

    // Of a line, in pixels.
    function height(code) {
        return (code.clientHeight - 2 * padding(code)) / visible(code).length;
    }

    // Above the first line, and below the last.
    function padding(code) {
        return parseFloat(getComputedStyle(code).paddingTop);
    }

    function lineAt(code, y) {
        const line = Math.floor((y - code.getBoundingClientRect().top - padding(code)) / height(code));
        return line < visible(code).length ? line : -1;
    }

    function band(code, line) {
        const pre = code.parentElement;
        const mark = document.createElement('div');
        mark.className = 'pair-band';
        const top = code.getBoundingClientRect().top - pre.getBoundingClientRect().top + padding(code) + line * height(code);
        mark.style.top = `${top}px`;
        mark.style.height = `${height(code)}px`;
        pre.append(mark);
    }

    function names(line) {
        const code = line.replace(/(^|\s)(\/\/|#(?!\[)).*$/, '');
        // A parameter on a line of its own would match where it is used.
        if (/^\s*(mut )?\w+: [^=]*,?\s*$/.test(code)) return new Set();
        const found = code.match(/[\p{L}_][\p{L}\p{N}_]*|\d[\d_.]*/gu) ?? [];
        const parts = found.flatMap((name) => name.replace(/(\p{Ll})(\p{Lu})/gu, '$1_$2').toLowerCase().split('_'));
        return new Set(parts.filter((part) => part !== '' && !COMMON.has(part)).map((part) => SAME[part] ?? part));
    }

    // Pairs of line numbers, in order on both sides, whose sum of likeness is greatest: by dynamic programming, as Needleman and Wunsch do it.
    function align(left, right) {
        const counts = new Map();
        for (const line of [...left, ...right]) for (const name of line) counts.set(name, (counts.get(name) ?? 0) + 1);
        const weight = (name) => 1 / counts.get(name);
        const sum = (line) => [...line].reduce((all, name) => all + weight(name), 0);
        const likeness = (one, two) => {
            const shared = [...one].filter((name) => two.has(name));
            const all = (sum(one) + sum(two)) / 2;
            // A line that names only what one other line has in common with it is like that one.
            const part = shared.reduce((total, name) => total + weight(name), 0);
            return all === 0 ? 0 : part / all;
        };
        const best = Array.from({ length: left.length + 1 }, () => new Float64Array(right.length + 1));
        const like = left.map((one) => right.map((two) => likeness(one, two)));
        for (let i = left.length - 1; i >= 0; i -= 1) {
            for (let j = right.length - 1; j >= 0; j -= 1) {
                const both = like[i][j] >= ENOUGH ? like[i][j] + best[i + 1][j + 1] : 0;
                best[i][j] = Math.max(both, best[i + 1][j], best[i][j + 1]);
            }
        }
        const pairs = [];
        for (let i = 0, j = 0; i < left.length && j < right.length;) {
            if (like[i][j] >= ENOUGH && best[i][j] === like[i][j] + best[i + 1][j + 1]) {
                pairs.push([i, j]);
                i += 1;
                j += 1;
            } else if (best[i][j] === best[i + 1][j]) {
                i += 1;
            } else {
                j += 1;
            }
        }
        return pairs;
    }
})();
