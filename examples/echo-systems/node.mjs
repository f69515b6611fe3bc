// A TCP echo server on Node.js, on node:net alone.
//
// Whatever bytes arrive go back, in order, until the client closes. The same
// servers in Python and on Tokio are those of ../tcp-echo. Without --listen
// a demo runs: four clients in this process, which check every byte.
//
//     node examples/echo-systems/node.mjs
//     node examples/echo-systems/node.mjs --listen 127.0.0.1:7007

import { once } from "node:events";
import { connect, createServer, isIP } from "node:net";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const BACKLOG = 1024;

// ANCHOR: echo
function echo(socket) {
  socket.on("data", (data) => {
    // Backpressure: a client that does not read is not read from.
    if (!socket.write(data)) {
      socket.pause();
    }
  });
  socket.on("drain", () => socket.resume());
  // By default the other side's end is answered by ours, once everything
  // is sent. An error is followed by "close", and nobody is left to answer.
  socket.on("error", () => {});
}
// ANCHOR_END: echo

/** The listening server, and a function that ends it with its connections. */
async function serve(host, port) {
  const connections = new Set();
  const server = createServer({ noDelay: true }, (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    echo(socket);
  });
  server.listen({ host, port, backlog: BACKLOG });
  await once(server, "listening");
  // Out of file descriptors, say: those served go on.
  server.on("error", (error) => console.error(`accept: ${error.message}`));
  const stop = async () => {
    const closed = once(server, "close");
    server.close();
    for (const socket of connections) {
      socket.destroy();
    }
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

// The demo: so many clients send so many messages each, one at a time.
const CLIENTS = 4;
const MESSAGES = 250;
const MESSAGE_SIZE = 1024;
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
    const talks = Array.from({ length: CLIENTS }, (_, n) => talk(n, port));
    await Promise.race([Promise.all(talks), late]);
    const { user, system } = process.cpuUsage(cpu);
    const messages = CLIENTS * MESSAGES;
    const seconds = (performance.now() - wall) / 1e3;
    const phase = {
      seconds,
      cpu_seconds: (user + system) / 1e6,
      work: messages,
    };
    const result = { messages, bytes: messages * MESSAGE_SIZE };
    console.log(JSON.stringify({ result, phases: { echo: phase } }));
  } finally {
    abandoned.abort();
    await stop();
  }
}

/** Sends every message, awaits its echo, and hangs up. */
async function talk(client, port) {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  const arriving = socket[Symbol.asyncIterator]();
  try {
    for (let number = 0; number < MESSAGES; number += 1) {
      // No two messages are alike: an echo that belongs to another
      // message, or to another client, is told apart.
      const serial = Buffer.alloc(8);
      serial.writeBigUInt64BE(BigInt(client * MESSAGES + number));
      const message = Buffer.alloc(MESSAGE_SIZE, serial);
      socket.write(message);
      let answer = Buffer.alloc(0);
      while (answer.length < MESSAGE_SIZE) {
        const { value, done } = await arriving.next();
        if (done) {
          throw new Error(`client ${client} was cut off`);
        }
        answer = Buffer.concat([answer, value]);
      }
      if (!answer.equals(message)) {
        throw new Error(`wrong echo: message ${number} of ${client}`);
      }
    }
    // Nothing more will come; then the server has to close.
    socket.end();
    const { done } = await arriving.next();
    if (!done) {
      throw new Error("wrong echo: bytes after the last message");
    }
  } finally {
    socket.destroy();
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
