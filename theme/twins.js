'use strict';

// Where there is no room for two columns, the Python and the Rust of a twin become tabs: one choice for all, and remembered. Without this
// script, and on paper, one stands below the other.
(() => {
    const KEY = 'book-twin';

    const twins = [...document.querySelectorAll('.twin')]
        .map((element, number) => {
            const panels = [...element.querySelectorAll(':scope > figure.program')];
            return { element, panels, names: panels.map(language), number };
        })
        .filter(({ names }) => names.length === 2 && names.every(Boolean));
    if (twins.length === 0) return;

    let chosen = remembered() ?? twins[0].names[0];
    twins.forEach(prepare);
    // The two columns are a matter of the style sheet: it is asked again when a twin has another width.
    const observer = new ResizeObserver((entries) => {
        for (const { target } of entries) arrange(twins.find(({ element }) => element === target));
    });
    for (const { element } of twins) observer.observe(element);
    show();

    function language(panel) {
        return panel.querySelector('figcaption .language')?.textContent.trim();
    }

    function remembered() {
        try {
            return localStorage.getItem(KEY);
        } catch {
            return null;
        }
    }

    function remember() {
        try {
            localStorage.setItem(KEY, chosen);
        } catch {
            // Without a place to keep it, the choice holds for this page.
        }
    }

    function prepare(twin) {
        twin.list = document.createElement('div');
        twin.list.className = 'twin-tabs';
        twin.list.setAttribute('role', 'tablist');
        twin.list.setAttribute('aria-label', twin.names.join(' / '));
        twin.tabs = twin.names.map((name, at) => {
            const tab = document.createElement('button');
            tab.type = 'button';
            tab.textContent = name;
            tab.setAttribute('role', 'tab');
            tab.id = `twin-${twin.number}-tab-${at}`;
            twin.panels[at].id ||= `twin-${twin.number}-${at}`;
            tab.setAttribute('aria-controls', twin.panels[at].id);
            tab.addEventListener('click', () => choose(name, tab));
            return tab;
        });
        twin.list.append(...twin.tabs);
        twin.list.addEventListener('keydown', (event) => {
            const at = twin.tabs.indexOf(event.target);
            const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
            if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            // Left and right are mdBook's keys for the chapters before and after.
            event.stopPropagation();
            const tab = twin.tabs.at(to % twin.tabs.length);
            choose(tab.textContent, tab);
            tab.focus();
        });
        twin.element.prepend(twin.list);
    }

    function choose(name, tab) {
        const before = tab.getBoundingClientRect().top;
        chosen = name;
        remember();
        show();
        // What lies above has another height now; the tab stays under the pointer.
        window.scrollBy({ top: tab.getBoundingClientRect().top - before, behavior: 'instant' });
    }

    function show() {
        twins.forEach(arrange);
    }

    function arrange(twin) {
        const tabbed = getComputedStyle(twin.element).display !== 'grid';
        // A twin of other languages keeps its first.
        const selected = Math.max(twin.names.indexOf(chosen), 0);
        twin.element.classList.toggle('tabbed', tabbed);
        twin.list.hidden = !tabbed;
        twin.panels.forEach((panel, at) => {
            panel.classList.toggle('unchosen', tabbed && at !== selected);
            if (tabbed) {
                panel.setAttribute('role', 'tabpanel');
                panel.setAttribute('aria-labelledby', twin.tabs[at].id);
            } else {
                panel.removeAttribute('role');
                panel.removeAttribute('aria-labelledby');
            }
            twin.tabs[at].setAttribute('aria-selected', String(at === selected));
            twin.tabs[at].tabIndex = at === selected ? 0 : -1;
        });
    }
})();
