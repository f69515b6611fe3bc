'use strict';

// Registers the worker that keeps this edition for reading without a network, once the page has all it needs itself. Not for readers who
// ask for little data, and not on pages without a worker, as while the book is being written. Where another build has come since, and this
// is the only page of the edition, that takes over, and the page loads itself anew from it.
(() => {
    const worker = document.querySelector('meta[name="book-worker"]')?.content;
    if (!worker || !('serviceWorker' in navigator) || navigator.connection?.saveData) return;
    window.addEventListener('load', () => setTimeout(register, 2000));

    async function register() {
        try {
            const registration = await navigator.serviceWorker.register(worker);
            if (!registration.waiting || !navigator.serviceWorker.controller) return;
            navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
            registration.waiting.postMessage('activate if alone');
        } catch {
            // Not a secure address, or no room: the book is read with a network, as before.
        }
    }
})();
