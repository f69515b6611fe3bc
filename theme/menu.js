'use strict';

// What opens the table of contents is a label in mdBook's page, which a keyboard does not reach: the page calls it a button, and here it acts
// as one.
(() => {
    const toggle = document.getElementById('mdbook-sidebar-toggle');
    toggle?.addEventListener('keydown', (event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        toggle.click();
    });
})();
