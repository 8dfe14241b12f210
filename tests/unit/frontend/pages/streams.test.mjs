// Events, answers and tokens, however the network cuts them.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Alignment } from "../../../../frontend/pages/playground/alignment.js";
import { Answer } from "../../../../frontend/pages/playground/answer.js";
import { events, Lines } from "../../../../frontend/pages/playground/sse.js";
import { cut, random } from "./random.mjs";

const bytesOf = (text) => [...new TextEncoder().encode(text)];
const entry = (bytes, logprob = -0.5) => ({ token: Buffer.from(bytes).toString(), bytes, logprob, top_logprobs: [] });

test("events are the same wherever the text is cut", () => {
  const text = ': keep-alive\n\ndata: {"a": "é\\n"}\n\nevent: x\r\ndata: one\r\ndata:two\r\n\r\ndata: [DONE]\n\n';
  const expected = ['{"a": "é\\n"}', "one\ntwo", "[DONE]"];
  for (let seed = 0; seed < 200; seed++) {
    const lines = new Lines();
    assert.deepEqual(cut(text, random(seed)).flatMap((piece) => lines.take(piece)), expected);
  }
});

test("a stream ends at [DONE], at its end, or where its reader leaves it", async () => {
  const body = (text) => new Blob([text]).stream();
  const all = (text) => collect(events(body(text)));
  assert.deepEqual(await all("data: 1\n\ndata: [DONE]\n\ndata: 2\n\n"), ["1"]);
  assert.deepEqual(await all("data: 1\n\ndata: 2"), ["1"]);
  let isCancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
    cancel: () => void (isCancelled = true),
  });
  for await (const data of events(endless)) {
    assert.equal(data, "x");
    break;
  }
  assert.ok(isCancelled);
});

async function collect(iterable) {
  const found = [];
  for await (const item of iterable) found.push(item);
  return found;
}

const chunk = (delta, more = {}) => ({ choices: [{ index: 0, delta, ...more }] });

test("an answer is put together from its chunks, and timed by them", () => {
  const answer = new Answer(100);
  answer.take(chunk({ role: "assistant", content: "" }), 110);
  assert.equal(answer.firstMs, null);
  assert.ok(answer.isEmpty);
  answer.take(chunk({ reasoning: "hm", reasoning_content: "hm" }), 150);
  answer.take(chunk({ content: "Hel" }), 160);
  answer.take(chunk({ content: "lo" }, { finish_reason: "stop" }), 250);
  answer.take({ choices: [], usage: { completion_tokens: 11 } }, 260);
  assert.deepEqual(answer.segments, [{ kind: "reasoning", text: "hm" }, { kind: "content", text: "Hello" }]);
  assert.equal(answer.firstMs, 50);
  assert.equal(answer.perSecond, 100);
  assert.deepEqual(answer.message, { role: "assistant", content: "Hello", reasoning: "hm" });
});

test("calls grow by index, and one that was cut off is not told to the model", () => {
  const answer = new Answer(0);
  const call = (index, rest) => answer.take(chunk({ tool_calls: [{ index, ...rest }] }), 1);
  call(0, { id: "a", type: "function", function: { name: "f", arguments: "" } });
  call(0, { function: { arguments: '{"x":' } });
  call(0, { function: { arguments: " 1}" } });
  call(1, { id: "b", type: "function", function: { name: "g", arguments: '{"y"' } });
  assert.equal(answer.calls.length, 2);
  assert.deepEqual(answer.message, {
    role: "assistant",
    content: null,
    tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: '{"x": 1}' } }],
  });
});

test("nothing is measured of a single token", () => {
  const answer = new Answer(0);
  answer.take(chunk({ content: "x" }), 5);
  answer.take({ choices: [], usage: { completion_tokens: 1 } }, 6);
  assert.equal(answer.perSecond, null);
});

const shown = (placed) => placed.filter((token) => !token.isMarker).map((token) => token.text).join("");

test("tokens cut anywhere, in characters too, give the text again", () => {
  const text = "Größe 😀 is ↵ fine\n\n  yes 漢字";
  for (let seed = 0; seed < 300; seed++) {
    const draw = random(seed);
    const alignment = new Alignment();
    const placed = [];
    const segment = { kind: "content", text: "" };
    const decoder = new TextDecoder();
    for (const piece of cut(bytesOf(text), draw)) {
      alignment.add([entry(piece)]);
      if (draw() < 0.7) segment.text += decoder.decode(new Uint8Array(piece), { stream: true });
      else segment.held = [...(segment.held ?? []), ...piece];
      placed.push(...alignment.place([segment]));
      if (segment.held) segment.text += decoder.decode(new Uint8Array(segment.held), { stream: true });
      segment.held = undefined;
    }
    placed.push(...alignment.place([segment], true));
    assert.equal(segment.text, text);
    assert.equal(shown(placed), text);
    assert.ok(placed.every((token) => token.isMarker || token.entry));
  }
});

test("markers between reasoning and answer are told apart from their text", () => {
  const alignment = new Alignment();
  const segments = [];
  const placed = [];
  const step = (token, kind, text) => {
    alignment.add([entry(bytesOf(token))]);
    if (text && segments.at(-1)?.kind === kind) segments.at(-1).text += text;
    else if (text) segments.push({ kind, text });
    placed.push(...alignment.place(segments));
  };
  step("<think>");
  step("so", "reasoning", "so");
  step("</think>");
  step("\n\n");
  step("Yes", "content", "Yes");
  step(".", "content", ".");
  step("<|end|>");
  placed.push(...alignment.place(segments, true));
  const found = placed.map(({ segment, text, isMarker }) => [segment, text, isMarker]);
  assert.deepEqual(found, [
    [0, "<think>", true], [0, "so", false],
    [1, "</think>", true], [1, "\n\n", true], [1, "Yes", false], [1, ".", false], [1, "<|end|>", true],
  ]);
});

test("text that no token explains is shown all the same", () => {
  const alignment = new Alignment();
  alignment.add([entry(bytesOf("x"))]);
  const placed = alignment.place([{ kind: "content", text: "prefix " }, { kind: "content", text: "x" }], true);
  assert.equal(shown(placed), "prefix x");
  assert.equal(placed[0].entry, null);
});

test("tokens of calls are no text", () => {
  const alignment = new Alignment();
  alignment.add([entry(bytesOf("<tool_call>"))]);
  assert.deepEqual(alignment.place([]), []);
  alignment.forget();
  assert.deepEqual(alignment.place([], true), []);
});
