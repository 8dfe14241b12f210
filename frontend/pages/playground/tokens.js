// Tokens that show how sure the model was: a colour each, and the alternatives for whoever points at one.

import { make } from "./dom.js";
import { nameOf } from "./token_names.js";

/** The tokens of one piece of an answer. One of them is in the order of tabs; arrows move between them. */
export class TokenRun {
  #entries = new Map();
  #tip;

  constructor(element, tip) {
    this.element = element;
    this.#tip = tip;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Tokens and their probabilities; arrow keys move between them");
    for (const kind of ["pointerover", "focusin"]) element.addEventListener(kind, (event) => this.#show(event.target));
    for (const kind of ["pointerout", "focusout"]) element.addEventListener(kind, (event) => this.#hide(event));
    element.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Those of an Alignment, in order. */
  add(placed) {
    this.element.append(...placed.map((token) => (token.entry ? this.#token(token) : token.text)));
  }

  #token({ text, entry, isMarker }) {
    const properties = { textContent: isMarker ? nameOf(entry) : text, tabIndex: this.#entries.size ? -1 : 0, role: "button" };
    const element = make(isMarker ? "span.token.marker" : "span.token", properties);
    if (!text.trim()) element.setAttribute("aria-label", nameOf(entry));
    element.style.setProperty("--doubt", (1 - Math.exp(entry.logprob)).toFixed(3));
    this.#entries.set(element, entry);
    return element;
  }

  #show(target) {
    const entry = this.#entries.get(target);
    if (entry) this.#tip.show(target, entry);
  }

  /** A finger that was lifted still points. */
  #hide(event) {
    if (event.pointerType !== "touch") this.#tip.hide();
  }

  #move(event) {
    const neighbour = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" }[event.key];
    const next = event.target[neighbour];
    if (!this.#entries.has(next)) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}
