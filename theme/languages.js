'use strict';

// The links to other languages work without this script. It makes them lead to the section that is being read, and remembers the
// choice for the page that leads to the editions.
(() => {
    const links = document.querySelectorAll('.languages a[data-language]');

    // The id of the last heading above a third of the window.
    function section() {
        const headings = document.querySelectorAll('main :is(h1, h2, h3, h4)[id]');
        let last = '';
        for (const heading of headings) {
            if (heading.getBoundingClientRect().top > window.innerHeight / 3) {
                break;
            }
            last = heading.id;
        }
        return last;
    }

    for (const link of links) {
        // Also when it is opened in a new tab by the middle button or the keyboard.
        for (const event of ['click', 'auxclick']) {
            link.addEventListener(event, () => {
                try {
                    localStorage.setItem('book-language', link.dataset.language);
                } catch {
                    // Storage is off: the choice holds for this page.
                }
                const id = window.scrollY > 0 ? section() : '';
                link.hash = id && '#' + id;
            });
        }
    }
})();
