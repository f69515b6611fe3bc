// Runs one Python snippet in an interpreter of its own and tells the page what it prints and how it ends. crates/book/src/pyodide.rs puts
// it beside Pyodide; theme/python.js starts it, and stops it by ending the worker.
import { loadPyodide, version } from './pyodide.mjs';

const NAME = 'snippet.py';

// More would keep the page busy, which has to be able to stop a loop that prints.
const MOST_LINES = 500;

let lines = 0;
const print = (text) => {
    lines += 1;
    if (lines > MOST_LINES + 1) return;
    postMessage({ kind: 'output', text: lines <= MOST_LINES ? text : '…' });
};
const loaded = loadPyodide({ stdout: print, stderr: print });

addEventListener('message', async ({ data: code }) => {
    let python;
    try {
        python = await loaded;
    } catch (error) {
        postMessage({ kind: 'unavailable', text: String(error) });
        return;
    }
    postMessage({
        kind: 'running',
        python: python.runPython('import platform; platform.python_version()'),
        pyodide: version,
    });
    try {
        const globals = python.toPy({ __name__: '__main__' });
        // `asyncio.run` within it suspends WebAssembly until it has ended (JSPI).
        await python.runPythonAsync(code, { globals, filename: NAME });
        postMessage({ kind: 'ended' });
    } catch (error) {
        postMessage({ kind: 'failed', text: without_ours(String(error.message)) });
    }
});

// A traceback from where the reader's code begins.
function without_ours(traceback) {
    const [head] = traceback.split('\n', 1);
    const from = traceback.indexOf(`  File "${NAME}"`);
    return from < 0 ? traceback : `${head}\n${traceback.slice(from)}`;
}
