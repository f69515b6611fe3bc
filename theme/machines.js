'use strict';

// A figure with results of several machines shows the first and holds the others folded away. This script puts a choice in their place;
// it holds for all figures, and is remembered.
(() => {
    const KEY = 'book-machine';
    const figures = [...document.querySelectorAll('figure.measured[data-machines]')];

    function remembered() {
        try {
            return localStorage.getItem(KEY);
        } catch {
            // Storage is off: every page begins with the first machine.
            return null;
        }
    }

    function remember(machine) {
        try {
            localStorage.setItem(KEY, machine);
        } catch {
            // The choice holds for this page.
        }
    }

    // Shows a machine's drawings and provenance; a figure without results of it stays as it is.
    function show(figure, machine) {
        const choice = figure.querySelector('.machine-choice select');
        if (![...choice.options].some((option) => option.value === machine)) {
            return;
        }
        choice.value = machine;
        for (const part of figure.querySelectorAll('[data-machine]')) {
            part.hidden = part.dataset.machine !== machine;
        }
    }

    function choose(machine) {
        for (const figure of figures) {
            show(figure, machine);
        }
        remember(machine);
    }

    for (const figure of figures) {
        const caption = figure.querySelector(':scope > figcaption');
        for (const details of figure.querySelectorAll(':scope > details.machine')) {
            const [panels, provenance] = details.querySelectorAll(':scope > [data-machine]');
            details.replaceWith(panels);
            caption.append(provenance);
        }
        const panels = [...figure.querySelectorAll(':scope > .panels')];
        const label = document.createElement('label');
        label.className = 'machine-choice';
        const choice = document.createElement('select');
        for (const { dataset } of panels) {
            choice.append(new Option(dataset.name, dataset.machine));
        }
        choice.addEventListener('change', () => {
            // Figures above change their height: the one in hand stays where it is on the screen.
            const before = figure.getBoundingClientRect().top;
            choose(choice.value);
            window.scrollBy(0, figure.getBoundingClientRect().top - before);
        });
        label.append(figure.dataset.machines, ' ', choice);
        figure.prepend(label);
        show(figure, panels[0].dataset.machine);
        show(figure, remembered());
    }
})();
