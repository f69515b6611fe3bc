// A small JSON object by node:http. The others of its kind are main.py and
// main.rs. Without `--listen` it starts itself, asks once and stops.
//
//     node examples/json-services/service.mjs
//     node examples/json-services/service.mjs --listen 127.0.0.1:7007

import { createServer } from "node:http";
import { parseArgs } from "node:util";

const BACKLOG = 1024;
const BODY =
  '{"id":7,"name":"Ada","languages":["Python","Rust"],"active":true}';

// ANCHOR: service
const server = createServer((request, response) => {
  if (request.method !== "GET" || request.url !== "/json") {
    response.writeHead(404).end();
    return;
  }
  const languages = ["Python", "Rust"];
  const body = JSON.stringify({
    id: 7, name: "Ada", languages, active: true,
  });
  response.writeHead(200, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
});
// ANCHOR_END: service

function fail(status, word) {
  console.error(word);
  process.exit(status);
}

function address(text) {
  const match = /^((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})$/.exec(text);
  if (!match || Number(match[2]) > 65535) {
    fail(2, `--listen: expected IP:PORT, such as 127.0.0.1:7007: ${text}`);
  }
  return { host: match[1], port: Number(match[2]), backlog: BACKLOG };
}

function stop() {
  server.close();
  server.closeAllConnections();
}

async function askOnce() {
  const began = performance.now();
  const cpu = process.cpuUsage();
  const answer = await fetch(
    `http://127.0.0.1:${server.address().port}/json`,
    { signal: AbortSignal.timeout(10_000) },
  );
  const body = await answer.text();
  const seconds = (performance.now() - began) / 1000;
  const used = process.cpuUsage(cpu);
  if (body !== BODY) {
    fail(1, `wrong answer: expected ${BODY}, got ${body}`);
  }
  const cpu_seconds = (used.user + used.system) / 1e6;
  const phases = { ask: { seconds, cpu_seconds, work: 1 } };
  console.log(JSON.stringify({ result: JSON.parse(body), phases }));
  stop();
}

let options;
try {
  options = parseArgs({
    options: { listen: { type: "string" }, help: { type: "boolean" } },
  }).values;
} catch (error) {
  fail(2, error.message);
}
if (options.help) {
  console.log("usage: service.mjs [--listen IP:PORT]");
  process.exit(0);
}
process.on("SIGTERM", stop).on("SIGINT", stop);
server.on("error", (error) => fail(1, `cannot listen: ${error.message}`));
const where = options.listen ?? "127.0.0.1:0";
server.listen(address(where), () => {
  if (options.listen === undefined) {
    askOnce().catch((error) => fail(1, String(error)));
    return;
  }
  const { address: host, port } = server.address();
  console.log(JSON.stringify({ listening: `${host}:${port}` }));
});
