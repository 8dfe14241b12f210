// The tooltip of a token: what it was, how likely, and what else it might have been. There is one on the page.

import { make } from "./dom.js";
import { nameOf, percent } from "./token_names.js";

const GAP = 6;

export class Tip {
  #element;
  #owner = null;

  constructor(element) {
    this.#element = element;
    addEventListener("scroll", () => this.hide(), { capture: true, passive: true });
    addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
  }

  show(owner, entry) {
    this.hide();
    this.#owner = owner;
    owner.setAttribute("aria-describedby", this.#element.id);
    this.#element.replaceChildren(...rowsOf(entry));
    this.#element.hidden = false;
    this.#place(owner.getClientRects()[0] ?? owner.getBoundingClientRect());
  }

  hide() {
    this.#owner?.removeAttribute("aria-describedby");
    this.#owner = null;
    this.#element.hidden = true;
  }

  /** Above the token where there is room, else below; never off the screen. */
  #place(at) {
    const { offsetWidth: width, offsetHeight: height, style } = this.#element;
    const left = Math.min(Math.max(GAP, at.left), innerWidth - width - GAP);
    const above = at.top - height - GAP;
    style.left = `${left}px`;
    style.top = `${above >= GAP ? above : at.bottom + GAP}px`;
  }
}

/** The likeliest first; the chosen token is among them, or comes at its place. */
function rowsOf(entry) {
  const isChosen = (other) => String(other.bytes) === String(entry.bytes);
  const all = entry.top_logprobs.some(isChosen) ? entry.top_logprobs : [...entry.top_logprobs, entry];
  return all.toSorted((a, b) => b.logprob - a.logprob).map((one) => rowOf(one, isChosen(one)));
}

function rowOf(entry, isChosen) {
  const bar = make("span.bar");
  bar.style.setProperty("--share", Math.exp(entry.logprob).toFixed(4));
  const name = make("span.name", { textContent: nameOf(entry) });
  const share = make("span.share", { textContent: percent(entry.logprob) });
  const row = make(isChosen ? "div.row.chosen" : "div.row", {}, name, bar, share);
  if (isChosen) name.append(make("span.unseen", { textContent: " (chosen)" }));
  return row;
}
