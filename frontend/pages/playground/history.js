// The last minutes of a deployment, from answers of /v1/stats. Knows differences and time, no page.
//
// Points lie where the engine's own clock says, so that neither the network nor a slow tab bends a rate.

const LOOK_BACK_S = 30;
/** So long without a point is a gap: the page was not looking. */
const GAP_S = 5;

export class History {
  #span;
  #epoch = "";
  #samples = [];
  #points = [];

  constructor(spanS) {
    this.#span = spanS;
  }

  /** Whether it says something new. Another epoch is another engine: what was before is over. */
  add(stats) {
    const { epoch, clock_s: at } = stats.engine;
    if (at <= 0) return false;
    if (epoch !== this.#epoch) this.#begin(epoch);
    const last = this.#samples.at(-1);
    if (last && at <= last.engine.clock_s) return false;
    this.#samples.push(stats);
    this.#points.push(pointOf(stats, last));
    this.#forget(at - this.#span);
    return true;
  }

  #begin(epoch) {
    this.#epoch = epoch;
    this.#samples = [];
    this.#points = [];
  }

  #forget(before) {
    const isOld = ({ at }) => at < before;
    while (isOld(this.#points[0])) {
      this.#points.shift();
      this.#samples.shift();
    }
  }

  /** Seconds from the oldest point to the newest. */
  get length() {
    return this.#points.length ? this.#points.at(-1).at - this.#points[0].at : 0;
  }

  /** `[seconds ago, value]` in order, in pieces without a gap; `name` is one of a point's. */
  line(name) {
    const end = this.#points.at(-1)?.at ?? 0;
    const pieces = [[]];
    let before = null;
    for (const point of this.#points) {
      if (before !== null && point.at - before > GAP_S) pieces.push([]);
      if (point[name] !== null) pieces.at(-1).push([end - point.at, point[name]]);
      before = point.at;
    }
    return pieces.filter((piece) => piece.length > 0);
  }

  /** The newest point; null before there is one. */
  get now() {
    return this.#points.at(-1) ?? null;
  }

  /** How much a total grew over the last seconds. */
  lately(total) {
    const newest = this.#samples.at(-1);
    if (!newest) return 0;
    const since = newest.engine.clock_s - LOOK_BACK_S;
    const oldest = this.#samples.find(({ engine }) => engine.clock_s >= since);
    return newest.totals[total] - oldest.totals[total];
  }
}

/** Rates are null at the first point, and over a gap. */
function pointOf(stats, last) {
  const { engine, requests, kv_blocks: blocks, totals } = stats;
  const passed = last ? engine.clock_s - last.engine.clock_s : Infinity;
  const rate = (name) => (passed <= GAP_S ? (totals[name] - last.totals[name]) / passed : null);
  const queried = rate("cache_queried_tokens");
  return {
    at: engine.clock_s,
    running: requests.running,
    waiting: requests.waiting,
    blocks: blocks.used,
    busy: engine.busy,
    frontends: engine.num_frontends,
    generated: rate("generated_tokens"),
    prefilled: rate("prefilled_tokens"),
    hits: queried ? rate("cache_hit_tokens") / queried : null,
    preemptions: rate("preemptions"),
  };
}
