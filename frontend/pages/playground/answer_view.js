// Shows one answer while it grows: reasoning folded, text, calls, figures. Knows elements, not requests.

import { Alignment } from "./alignment.js";
import { Calls } from "./calls.js";
import { button, make, say } from "./dom.js";
import { figuresOf } from "./figures.js";
import { Prose } from "./prose.js";
import { TokenRun } from "./tokens.js";

export class AnswerView {
  #parts = [];
  #alignment = new Alignment();
  #calls = new Calls();
  #body = make("div.said");
  #figures = make("p.figures");
  #actions = make("p.actions");
  #tip;

  /** With a `tip`, tokens are shown one by one, each with its alternatives. */
  constructor(name, tip = null) {
    this.#tip = tip;
    const foot = make("div.foot", {}, this.#figures, this.#actions);
    this.element = make("li.turn.answer.streaming", {}, make("p.who", { textContent: name }), this.#body, this.#calls.element, foot);
    this.element.setAttribute("aria-busy", "true");
    say(this.#figures, "waiting for the first token");
  }

  /** What came with the newest chunk: to be called for each, before `show`. */
  take(answer) {
    if (!this.#tip) return;
    this.#alignment.add(answer.entries);
    this.#place(answer, false);
    if (answer.calls.length) this.#alignment.forget();
  }

  #place(answer, isLast) {
    for (const token of this.#alignment.place(answer.segments, isLast)) {
      this.#part(answer.segments, token.segment).fresh.push(token);
    }
  }

  #part(segments, index) {
    while (this.#parts.length <= index) this.#parts.push(this.#open(segments[this.#parts.length].kind));
    return this.#parts[index];
  }

  #open(kind) {
    const text = make("div.text");
    const view = this.#tip ? new TokenRun(text, this.#tip) : new Prose(text);
    const part = { text, view, fresh: [], fold: null, begun: performance.now() };
    if (kind === "reasoning") {
      part.fold = make("summary", { textContent: "Thinking" });
      this.#body.append(make("details.reasoning", {}, part.fold, text));
    } else {
      this.#body.append(text);
    }
    return part;
  }

  /** What is known so far; at most once a frame. */
  show(answer, isWhole = false) {
    answer.segments.forEach((segment, index) => {
      const part = this.#part(answer.segments, index);
      const isOver = isWhole || index + 1 < answer.segments.length;
      if (this.#tip) part.view.add(part.fresh.splice(0));
      else part.view.show(segment.text, isOver);
      this.#fold(part, isOver);
    });
    this.#calls.show(answer.calls);
    if (answer.firstMs !== null) say(this.#figures, figuresOf(answer, isWhole));
  }

  #fold(part, isOver) {
    if (!part.fold || part.seconds) return;
    if (isOver) part.seconds = Math.max(0.1, (performance.now() - part.begun) / 1000).toFixed(1);
    if (isOver) say(part.fold, `Thought for ${part.seconds} s`);
  }

  /** It is over, well or not. `actions` are `[words, does]`. */
  end(answer, actions) {
    if (this.#tip && !answer.calls.length) this.#place(answer, true);
    this.show(answer, true);
    this.element.classList.remove("streaming");
    this.element.removeAttribute("aria-busy");
    if (answer.firstMs === null) say(this.#figures, "");
    this.#actions.append(...actions.map(([words, does]) => button(words, does)));
  }

  askForResults(calls, onResults) {
    this.#calls.askForResults(calls, onResults);
  }

  /** What the server says went wrong, in its words. */
  fail(error) {
    const details = [error.status, error.type].filter(Boolean).join(" ");
    const more = details ? [make("span.small", { textContent: details })] : [];
    this.#body.append(make("p.error", { role: "alert" }, make("span", { textContent: error.message }), ...more));
  }
}
