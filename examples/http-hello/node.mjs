// An HTTP server on Node.js, on node:http alone: one fixed answer.
//
// GET / is answered by 1 KiB of text, every other path by 404. The twins are
// main.py (httptools on an asyncio Protocol), main.rs (axum on Tokio) and
// main.go. Without --listen a demo runs: four clients in this process, which
// check every answer.
//
//     node examples/http-hello/node.mjs
//     node examples/http-hello/node.mjs --listen 127.0.0.1:7007

import { once } from "node:events";
import { Agent, createServer, get } from "node:http";
import { isIP } from "node:net";
import { performance } from "node:perf_hooks";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const ALPHABET =
  "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
const BODY = ALPHABET.repeat(16);
const BACKLOG = 1024;

// ANCHOR: answer
function hello(request, response) {
  if (request.url !== "/") {
    response.writeHead(404, { "Content-Length": 0 }).end();
    return;
  }
  response.writeHead(200, {
    "Content-Type": "text/plain",
    "Content-Length": BODY.length,
  });
  response.end(BODY);
}
// ANCHOR_END: answer

/** The listening server, and a function that ends it. */
async function serve(host, port) {
  const server = createServer(hello);
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, "listening");
  const stop = async () => {
    const closed = once(server, "close");
    // What is under way comes to its end, idle connections are closed.
    server.close();
    await closed;
  };
  return { server, stop };
}

async function serveUntilSignal({ host, port }) {
  const { server, stop } = await serve(host, port);
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, stop);
  }
  const { address, family, port: bound } = server.address();
  const shown = family === "IPv6" ? `[${address}]` : address;
  console.log(JSON.stringify({ listening: `${shown}:${bound}` }));
}

// The demo: so many clients ask so many times each.
const CLIENTS = 4;
const REQUESTS = 250;
const TIMEOUT = 10_000;

async function demo() {
  const { server, stop } = await serve("127.0.0.1", 0);
  const { port } = server.address();
  const abandoned = new AbortController();
  const late = sleep(TIMEOUT, null, { signal: abandoned.signal }).then(
    () => {
      throw new Error("the demo took too long");
    },
    () => {}, // The demo was done in time.
  );
  try {
    const wall = performance.now();
    const cpu = process.cpuUsage();
    const clients = Array.from({ length: CLIENTS }, () => ask(port));
    await Promise.race([Promise.all(clients), late]);
    const { user, system } = process.cpuUsage(cpu);
    const requests = CLIENTS * REQUESTS;
    const phase = {
      seconds: (performance.now() - wall) / 1e3,
      cpu_seconds: (user + system) / 1e6,
      work: requests,
    };
    const result = { requests, bytes: requests * BODY.length };
    console.log(JSON.stringify({ result, phases: { requests: phase } }));
  } finally {
    abandoned.abort();
    await stop();
  }
}

/** Sends its requests over one connection and compares every answer. */
async function ask(port) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let number = 0; number < REQUESTS; number += 1) {
      const asked = get({ host: "127.0.0.1", port, path: "/", agent });
      const [answer] = await once(asked, "response");
      const body = await text(answer);
      const length = answer.headers["content-length"];
      if (
        answer.statusCode !== 200 ||
        length !== String(BODY.length) ||
        body !== BODY
      ) {
        throw new Error(`wrong answer: status ${answer.statusCode}: ${body}`);
      }
    }
  } finally {
    agent.destroy();
  }
}

function addressOf(argument) {
  const match = /^(?:\[(.+)\]|([\d.]+)):(\d{1,5})$/.exec(argument);
  const host = match?.[1] ?? match?.[2] ?? "";
  if (isIP(host) === 0 || Number(match[3]) >= 2 ** 16) {
    usageError(`--listen ${argument}: expected IP:PORT, as 127.0.0.1:7007`);
  }
  return { host, port: Number(match[3]) };
}

function usageError(message) {
  console.error(message);
  process.exit(2);
}

const USAGE = `usage: node node.mjs [--listen IP:PORT]

  --listen IP:PORT  serve here until SIGTERM or SIGINT; port 0 takes a free
                    one (default: run the demo)
  --help            show this`;

function options() {
  try {
    const parsed = parseArgs({
      options: { listen: { type: "string" }, help: { type: "boolean" } },
    });
    return parsed.values;
  } catch (error) {
    return usageError(`${error.message}\n${USAGE}`);
  }
}

const { listen, help } = options();
try {
  if (help) {
    console.log(USAGE);
  } else if (listen === undefined) {
    await demo();
  } else {
    await serveUntilSignal(addressOf(listen));
  }
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
