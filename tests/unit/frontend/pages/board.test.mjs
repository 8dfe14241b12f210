// The last minutes of a deployment, from answers that come late, twice, or from another engine.

import assert from "node:assert/strict";
import { test } from "node:test";

import { History } from "../../../../frontend/pages/playground/history.js";
import { roundUp } from "../../../../frontend/pages/playground/spark.js";

/** Stats at a time, when 100 tokens a second are generated and half of 20 looked up are found. */
function at(seconds, more = {}) {
  return {
    engine: { epoch: "1", clock_s: seconds, busy: 0.5, num_workers: 1, num_frontends: 2, ...more },
    requests: { running: 3, waiting: 1, max_running: 8 },
    kv_blocks: { used: 10, total: 100, block_size: 16 },
    totals: {
      generated_tokens: seconds * 100,
      prefilled_tokens: seconds * 50,
      cache_queried_tokens: seconds * 20,
      cache_hit_tokens: seconds * 10,
      preemptions: 0,
    },
  };
}

test("rates are over the engine's own time, however uneven the readings", () => {
  const history = new History(240);
  for (const seconds of [1000, 1001, 1001.5, 1004, 1005]) assert.ok(history.add(at(seconds)));
  assert.deepEqual(history.line("generated")[0].map(([, value]) => value), [100, 100, 100, 100]);
  assert.deepEqual(history.line("running")[0].map(([ago]) => ago), [5, 4, 3.5, 1, 0]);
  assert.equal(history.now.hits, 0.5);
  assert.equal(history.lately("cache_hit_tokens"), 50);
});

test("what says nothing new adds nothing", () => {
  const history = new History(240);
  assert.equal(history.add(at(0)), false, "no engine has been heard of");
  assert.ok(history.add(at(1000)));
  assert.equal(history.add(at(1000)), false, "the same heartbeat, twice");
  assert.equal(history.add(at(999)), false, "another front end heard it earlier");
  assert.equal(history.line("running")[0].length, 1);
  assert.deepEqual(history.line("generated"), [], "one reading is no rate");
});

test("while nobody looks there is a gap, and no rate across it", () => {
  const history = new History(240);
  for (const seconds of [1000, 1001, 1060, 1061]) history.add(at(seconds));
  assert.deepEqual(history.line("running").map((piece) => piece.length), [2, 2]);
  assert.deepEqual(history.line("generated").map((piece) => piece.length), [1, 1]);
});

test("a new engine begins anew", () => {
  const history = new History(240);
  history.add(at(1000));
  assert.ok(history.add(at(10, { epoch: "2" })));
  assert.equal(history.now.generated, null);
  assert.equal(history.lately("generated_tokens"), 0);
});

test("what is older than the span is forgotten", () => {
  const history = new History(60);
  for (let seconds = 1000; seconds <= 1300; seconds++) history.add(at(seconds));
  assert.equal(history.length, 60);
  assert.equal(history.line("running")[0].length, 61);
  assert.equal(history.lately("generated_tokens"), 3000);
});

test("without look-ups there is no hit rate", () => {
  const history = new History(60);
  const idle = (seconds) => ({ ...at(seconds), totals: { ...at(1).totals } });
  history.add(idle(1));
  history.add(idle(2));
  assert.equal(history.now.hits, null);
  assert.equal(history.now.generated, 0);
});

test("a chart's upper edge is a round number", () => {
  assert.deepEqual([0, 0.3, 1, 1.2, 3, 7, 10, 11, 480, 501].map(roundUp), [1, 1, 1, 2, 5, 10, 10, 20, 500, 1000]);
});
