'use strict';

// A reader can write an answer before opening ours. It stays in the reader's browser, and is there when the page is opened again. Without
// this script a question has its answer, folded.
(() => {
    const words = JSON.parse(document.querySelector('meta[name="book-words"]')?.content ?? '{}');
    if (!words.answer) return;
    const chapter = location.pathname.split('/').pop() || 'index.html';
    const key = (number) => `book-answer ${chapter} ${number}`;
    const answers = [...document.querySelectorAll('main details')].filter((details) => {
        return details.querySelector(':scope > summary')?.textContent === words.summary;
    });

    answers.forEach((details, number) => {
        const field = document.createElement('textarea');
        field.className = 'own-answer';
        field.rows = 2;
        field.placeholder = words.answer;
        field.setAttribute('aria-label', words.answer);
        field.value = kept(number);
        field.addEventListener('input', () => keep(number, field.value));
        details.before(field);
    });

    function kept(number) {
        try {
            return localStorage.getItem(key(number)) ?? '';
        } catch {
            return '';
        }
    }

    function keep(number, text) {
        try {
            if (text === '') {
                localStorage.removeItem(key(number));
            } else {
                localStorage.setItem(key(number), text);
            }
        } catch {
            // Storage is off, or full: the answer lasts as long as the page.
        }
    }
})();
