// The live board: what each tile says, and how. Knows the numbers of /v1/stats, not how they came.

import { byId, make, say } from "./dom.js";
import { rough, share, whole } from "./figures.js";
import { History } from "./history.js";
import { Spark, roundUp } from "./spark.js";

const LONGEST_S = 240;
const SHORTEST_S = 60;

/** `value`, `note` and `edge` are words; `line` names what the chart shows, up to `most` or to its own highest point. */
const TILES = [
  {
    title: "Running",
    unit: "requests",
    line: "running",
    value: ({ requests }) => whole(requests.running),
    note: ({ requests }) => `at most ${whole(requests.max_running)} at once`,
  },
  {
    title: "Waiting",
    unit: "requests",
    line: "waiting",
    value: ({ requests }) => whole(requests.waiting),
    note: () => "for a place in the batch",
  },
  {
    title: "Generated",
    unit: "tokens/s",
    line: "generated",
    value: (_, now) => rateOf(now.generated),
    note: ({ totals }) => `${whole(totals.generated_tokens)} since the start`,
  },
  {
    title: "Prompts",
    unit: "tokens/s",
    line: "prefilled",
    value: (_, now) => rateOf(now.prefilled),
    note: ({ totals }) => `${whole(totals.prefilled_tokens)} computed since the start`,
  },
  {
    title: "KV cache",
    unit: "blocks",
    line: "blocks",
    most: ({ kv_blocks: blocks }) => blocks.total,
    value: ({ kv_blocks: blocks }) => whole(blocks.used),
    note: ({ kv_blocks: blocks }) => `${share(blocks.used, blocks.total)} of ${whole(blocks.total)}, ${blocks.block_size} tokens each`,
  },
  {
    title: "Prefix cache",
    unit: "found",
    line: "hits",
    most: () => 1,
    edge: () => "100 %",
    value: (_, now, history) => share(history.lately("cache_hit_tokens"), history.lately("cache_queried_tokens")),
    note: ({ totals }) => `last 30 s; ${share(totals.cache_hit_tokens, totals.cache_queried_tokens)} since the start`,
  },
  {
    title: "Preemptions",
    unit: "since the start",
    line: "preemptions",
    edge: (most) => `${whole(most)} a second`,
    value: ({ totals }) => whole(totals.preemptions),
    note: () => "requests that lost their blocks",
  },
  {
    title: "Engine",
    unit: "busy",
    line: "busy",
    most: () => 1,
    edge: () => "100 %",
    value: ({ engine }) => share(engine.busy, 1),
    note: ({ engine }) => `${count(engine.num_frontends, "front end")}, ${count(engine.num_workers, "worker")} alive`,
  },
];

function rateOf(rate) {
  return rate === null ? "–" : rough(rate);
}

function count(number, word) {
  return `${whole(number)} ${word}${number === 1 ? "" : "s"}`;
}

function age(seconds) {
  return seconds < 120 ? `${whole(seconds)} seconds` : `${rough(Math.round(seconds / 30) / 2)} minutes`;
}

export class Board {
  #history = new History(LONGEST_S);
  #tiles = TILES.map((tile) => new Tile(tile));

  constructor() {
    byId("tiles").append(...this.#tiles.map((tile) => tile.element));
  }

  /** One answer of /v1/stats. */
  show(stats) {
    this.#notice(stats.status === "ready" ? "" : `${stats.status}${stats.reason && `: ${stats.reason}`}`);
    if (!this.#history.add(stats)) return;
    const spanS = Math.max(SHORTEST_S, this.#history.length);
    for (const tile of this.#tiles) tile.show(stats, this.#history, spanS);
    say(byId("board-facts"), `${stats.model} · each chart shows the last ${age(spanS)}, as the engine counted them`);
  }

  fail(error) {
    this.#notice(error.message);
  }

  #notice(text) {
    const notice = byId("board-notice");
    notice.hidden = text === "";
    say(notice, text);
  }
}

class Tile {
  #spark = new Spark();
  #value = make("span.value", { textContent: "–" });
  #note = make("p.note", { textContent: "\u00a0" });
  #most = make("span.most");
  #tile;

  constructor(tile) {
    this.#tile = tile;
    const id = `tile-${tile.line}`;
    const figure = make("p.figure", {}, this.#value, make("span.unit", { textContent: ` ${tile.unit}` }));
    const chart = make("div.chart", {}, this.#spark.element, this.#most);
    this.element = make("section.tile", { "aria-labelledby": id }, make("h2", { id, textContent: tile.title }), figure, chart, this.#note);
  }

  show(stats, history, spanS) {
    const { value, note, line, most, edge = whole } = this.#tile;
    say(this.#value, value(stats, history.now, history));
    say(this.#note, note(stats));
    const pieces = history.line(line);
    const highest = Math.max(0, ...pieces.flat().map(([, y]) => y));
    const height = most ? most(stats) : roundUp(highest);
    this.#spark.show(pieces, spanS, height);
    say(this.#most, edge(height));
  }
}
