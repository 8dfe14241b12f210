// What is read out of a form, and how texts and numbers are written.

import assert from "node:assert/strict";
import { test } from "node:test";

import { blocksOf } from "../../../../frontend/pages/playground/blocks.js";
import { Conversation } from "../../../../frontend/pages/playground/conversation.js";
import { fieldsOf } from "../../../../frontend/pages/playground/fields.js";
import { figuresOf, rough, seconds, share, whole } from "../../../../frontend/pages/playground/figures.js";
import { nameOf, percent } from "../../../../frontend/pages/playground/token_names.js";
import { literal } from "../../../../frontend/pages/playground/snippets.js";
import { random } from "./random.mjs";

const TEXT = "Look:\n\n```python\nprint(1)\n\nprint(2)\n```\n\nand\n~~~\n<b>no HTML</b>\n```\n~~~\nend";

test("fences make blocks of code, of any kind and language", () => {
  assert.deepEqual(blocksOf(TEXT, true), [
    { kind: "text", language: "", text: "Look:" },
    { kind: "code", language: "python", text: "print(1)\n\nprint(2)" },
    { kind: "text", language: "", text: "and" },
    { kind: "code", language: "", text: "<b>no HTML</b>\n```" },
    { kind: "text", language: "", text: "end" },
  ]);
});

test("while a text grows, no block changes its kind and none goes away", () => {
  let before = [];
  for (let length = 0; length <= TEXT.length; length++) {
    const blocks = blocksOf(TEXT.slice(0, length), length === TEXT.length);
    assert.ok(blocks.length >= before.length, `at ${length}`);
    before.forEach(({ kind }, index) => assert.equal(blocks[index].kind, kind, `at ${length}`));
    before = blocks;
  }
});

test("a text without fences is one block, to the letter", () => {
  const draw = random(3);
  const letters = "ab `~\n#*<>&";
  for (let count = 0; count < 500; count++) {
    const text = Array.from({ length: 30 }, () => letters[Math.floor(draw() * letters.length)]).join("");
    if (/^ {0,3}(```|~~~)/m.test(text)) continue;
    assert.equal(blocksOf(text, true).map((block) => block.text).join(""), text);
  }
});

test("a last line that may become a fence is held back until it is clear", () => {
  for (const held of ["a\n`", "a\n```", "a\n```py", "a\n~~"]) assert.equal(blocksOf(held, false)[0].text, "a");
  assert.equal(blocksOf("a\n`code` b", false)[0].text, "a\n`code` b");
  assert.equal(blocksOf("a\n`", true)[0].text, "a\n`");
});

const control = (name, kind, value, more = {}) => ({ name, value, dataset: { kind, ...more }, checked: more.checked });
const form = (...elements) => ({ elements });

test("fields are what was set; what was left empty is not there", () => {
  const fields = fieldsOf(form(
    control("model", "word", "brook"),
    control("temperature", "number", "0"),
    control("top_p", "number", " "),
    control("stop", "lines", "END\n\n two "),
    control("tools", "json", '[{"a": 1}]'),
    control("tool_choice", "word", "required", { with: "tools" }),
    control("response_format", "schema", '{"type": "object"}'),
    { name: "", value: "x", dataset: {} },
  ));
  assert.deepEqual(fields, {
    model: "brook",
    temperature: 0,
    stop: ["END", " two "],
    tools: [{ a: 1 }],
    tool_choice: "required",
    response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
  });
});

test("a field that belongs to another is not sent without it", () => {
  const top = control("top_logprobs", "number", "5", { with: "logprobs" });
  assert.deepEqual(fieldsOf(form(control("logprobs", "flag", "on"), top)), {});
  assert.deepEqual(fieldsOf(form(control("logprobs", "flag", "on", { checked: true }), top)), { logprobs: true, top_logprobs: 5 });
});

test("a conversation goes on, goes back, and tells results by their calls", () => {
  const talk = new Conversation();
  talk.say("Hi");
  talk.answer({ role: "assistant", content: null, tool_calls: [] });
  const place = talk.length;
  talk.results([{ id: "a", content: "21" }]);
  const roles = (request) => request.messages.map((message) => message.role);
  assert.deepEqual(roles(talk.request("Be brief.", {})), ["system", "user", "assistant", "tool"]);
  assert.equal(talk.request("", { seed: 1 }).messages[2].tool_call_id, "a");
  talk.backTo(place);
  assert.deepEqual(roles(talk.request("", {})), ["user", "assistant"]);
});

test("numbers are short", () => {
  assert.deepEqual([0, 0.4217, 8.3, 20, 99.96, 118.4, 12345].map(rough), ["0", "0.42", "8.3", "20", "100", "118", "12,345"]);
  assert.deepEqual([12.3, 999, 1500].map(seconds), ["12 ms", "999 ms", "1.5 s"]);
  assert.deepEqual([share(0, 0), share(1, 300), share(150, 300)], ["–", "0.3 %", "50 %"]);
  assert.equal(whole(1234567.8), "1,234,568");
});

test("one line says how an answer went", () => {
  const answer = { firstMs: 31.4, lastMs: 900, numTokens: 42, perSecond: 118.2, finish: "stop", calls: [] };
  assert.equal(figuresOf(answer, true), "first token 31 ms · 42 tokens · 118 tokens/s");
  assert.equal(figuresOf({ ...answer, finish: "length" }, true).split(" · ").at(-1), "cut off at its length");
  assert.equal(figuresOf({ ...answer, finish: null }, true).split(" · ").at(-1), "stopped");
  assert.equal(figuresOf({ ...answer, numTokens: null, perSecond: null }, false), "first token 31 ms");
  assert.equal(figuresOf({ ...answer, finish: "tool_calls", calls: [{}] }, true), "a call after 900 ms · 42 tokens");
});

test("a token is named so that it can be seen", () => {
  assert.equal(nameOf({ token: " a\n", bytes: [] }), "␣a↵");
  assert.equal(nameOf({ token: "\ufffd", bytes: [0xe2, 0x80] }), "\\xe2\\x80");
  assert.equal(nameOf({ token: "\u0001", bytes: [1] }), "\\x01");
  assert.equal(nameOf({ token: "", bytes: [] }), "(empty)");
  assert.deepEqual([0, -0.01, -3, -9999].map(percent), ["100 %", "99 %", "5.0 %", "< 0.1 %"]);
  assert.equal(percent(-0.0001), "> 99.9 %");
});

test("Python's words for what JSON calls otherwise", () => {
  assert.equal(literal([null, true, false, 1.5, "ä'\"\n"]), '[None, True, False, 1.5, "ä\'\\"\\n"]');
});
