'use strict';

// Registers the worker that keeps this edition for reading without a network, once the page has all it needs itself. Not for readers who
// ask for little data, and not on pages without a worker, as while the book is being written.
(() => {
    const worker = document.querySelector('meta[name="book-worker"]')?.content;
    if (!worker || !('serviceWorker' in navigator) || navigator.connection?.saveData) return;
    window.addEventListener('load', () => {
        setTimeout(() => {
            navigator.serviceWorker.register(worker).catch(() => {
                // Not a secure address, or no room: the book is read with a network, as before.
            });
        }, 2000);
    });
})();
