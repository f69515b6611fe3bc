'use strict';

// What a keyboard does not reach in mdBook's pages. What opens the table of contents is a label: the page calls it a button, and here it acts
// as one. Code and tables that are wider than their place can be scrolled, so they take the focus.
(() => {
    const toggle = document.getElementById('mdbook-sidebar-toggle');
    toggle?.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        toggle.click();
    });

    const observer = new ResizeObserver((entries) => {
        for (const { target } of entries) {
            if (target.scrollWidth > target.clientWidth) {
                target.tabIndex = 0;
            } else {
                target.removeAttribute('tabindex');
            }
        }
    });
    for (const wide of document.querySelectorAll('main pre > code, main .table-wrapper')) observer.observe(wide);
})();
