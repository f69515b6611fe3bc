'use strict';

// A figure tells the exact value of what is pointed at. The marks have titles, which browsers show by themselves after a while; this script
// shows them at once, and by keyboard too: a drawing takes the focus, and left and right go from mark to mark. All values stand in the table
// under the drawing as well.
(() => {
    const drawings = document.querySelectorAll('figure.measured svg:has(g.point)');
    if (drawings.length === 0) return;

    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.setAttribute('role', 'status');
    document.body.append(tip);
    let shown;

    for (const drawing of drawings) {
        const points = [...drawing.querySelectorAll('g.point')];
        for (const point of points) {
            const title = point.querySelector(':scope > title');
            point.dataset.told = title.textContent;
            // The browser's own would come on top.
            title.remove();
            point.addEventListener('pointerenter', () => show(point));
            point.addEventListener('pointerleave', hide);
        }
        drawing.tabIndex = 0;
        drawing.addEventListener('keydown', (event) => {
            const at = points.indexOf(shown);
            const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: points.length - 1 }[event.key];
            if (event.key === 'Escape') hide();
            if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
            event.preventDefault();
            // Left and right are mdBook's keys for the chapters before and after.
            event.stopPropagation();
            show(points[Math.min(Math.max(to, 0), points.length - 1)]);
        });
        drawing.addEventListener('blur', hide);
    }
    // What was pointed at has moved away.
    window.addEventListener('scroll', hide, { passive: true });

    function show(point) {
        hide();
        shown = point;
        point.classList.add('shown');
        tip.textContent = point.dataset.told;
        const mark = point.getBoundingClientRect();
        const box = tip.getBoundingClientRect();
        const left = mark.left + mark.width / 2 - box.width / 2;
        tip.style.left = `${Math.min(Math.max(left, 8), document.documentElement.clientWidth - box.width - 8)}px`;
        const above = mark.top - box.height - 6;
        tip.style.top = `${above < 60 ? mark.bottom + 6 : above}px`;
        tip.classList.add('there');
    }

    function hide() {
        shown?.classList.remove('shown');
        shown = undefined;
        tip.classList.remove('there');
    }
})();
