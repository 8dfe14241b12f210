#!/usr/bin/env node
// A front end in JavaScript, after docs/protocol.md alone: prompts of token ids, greedy, no text. For the test
// of --frontend-program; it shows that the wire needs no Python.

import http from "node:http";
import { parseArgs } from "node:util";
import { Dealer } from "./dealer.mjs";
import { decode, encode } from "./msgpack.mjs";

const VERSION = 1;
const HELLO = 1, GENERATE = 2, PING = 6, LEAVE = 7;
const WELCOME = 33, TOKENS = 34, REFUSED = 36, GOODBYE = 38;
const HEARTBEAT_MS = 500;
const FINISH = ["", "stop", "length", "abort", "error"];

const { values: settings } = parseArgs({ strict: false, args: process.argv.slice(2) });
const name = settings["frontend-id"];
const epoch = Date.now();
const waiting = new Map();
let card = null, lastId = 0, pings = 0;

const dealer = new Dealer(settings.endpoint, `${name}/${epoch}`, receive, () => process.exit(1));
const server = http.createServer(answer);
server.listen(Number(settings.port), settings.host ?? "0.0.0.0");
setInterval(() => (card ? send(PING, ++pings) : hello()), HEARTBEAT_MS);
process.on("SIGTERM", stop);

function send(...message) {
  dealer.send(encode(message));
}

function hello() {
  send(HELLO, VERSION, name, epoch);
}

function receive(frame) {
  if (frame === null) return hello();
  const [tag, ...fields] = decode(frame);
  if (tag === WELCOME) card = fields[2];
  if (tag === GOODBYE) card = null;
  if (tag === TOKENS) fields[0].forEach(take);
  if (tag === REFUSED) end(fields[0], 503, { error: { code: fields[1], message: fields[2] } });
}

function take([id, , bytes, finish]) {
  const request = waiting.get(id);
  if (!request) return;
  for (let at = 0; at < bytes.length; at += 4) request.tokens.push(bytes.readUInt32LE(at));
  if (finish) end(id, 200, { model: card[0], choices: [{ token_ids: request.tokens, finish_reason: FINISH[finish] }] });
}

function end(id, status, body) {
  const request = waiting.get(id);
  waiting.delete(id);
  if (request) reply(request.response, status, body);
}

function reply(response, status, body) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

async function answer(request, response) {
  if (request.url === "/ready") return reply(response, card ? 200 : 503, { language: "JavaScript" });
  if (request.url !== "/v1/completions") return reply(response, 404, { error: { message: "no such path" } });
  const body = JSON.parse(Buffer.concat(await chunks(request)));
  const prompt = Buffer.from(Uint32Array.from(body.prompt).buffer);
  waiting.set(++lastId, { response, tokens: [] });
  send(GENERATE, lastId, prompt, [body.max_tokens, 0, 0]);
}

async function chunks(stream) {
  const found = [];
  for await (const chunk of stream) found.push(chunk);
  return found;
}

function stop() {
  send(LEAVE, "SIGTERM");
  server.close();
  setTimeout(() => process.exit(0), 100);
}
