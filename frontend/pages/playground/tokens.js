// Tokens that show how sure the model was: a colour each, and the alternatives for whoever points at one.

import { make } from "./dom.js";

/** The tokens of one piece of an answer. One of them is in the order of tabs; arrows move between them. */
export class TokenRun {
  #tip;

  constructor(element, tip) {
    this.element = element;
    this.#tip = tip;
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "Tokens and their probabilities; arrow keys move between them");
    element.addEventListener("keydown", (event) => this.#move(event));
  }

  /** Those of an Alignment, in order. */
  add(placed) {
    this.element.append(...placed.map((token) => (token.entry ? this.#token(token) : token.text)));
    const [first] = this.element.querySelectorAll(".token");
    if (first && !this.element.querySelector('[tabindex="0"]')) first.tabIndex = 0;
  }

  #token({ text, entry, isMarker }) {
    const shown = isMarker ? visible(text) : text;
    const element = make(isMarker ? "span.token.marker" : "span.token", { textContent: shown, tabIndex: -1, role: "button" });
    element.style.setProperty("--doubt", (1 - Math.exp(entry.logprob)).toFixed(3));
    const show = () => this.#tip.show(element, entry);
    const hide = () => this.#tip.hide();
    element.addEventListener("pointerenter", show);
    element.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
    element.addEventListener("focus", show);
    element.addEventListener("blur", hide);
    return element;
  }

  #move(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const tokens = [...this.element.querySelectorAll(".token")];
    const next = tokens[tokens.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

/** White space by its signs: a token that is only a space could not be seen otherwise. */
export function visible(text) {
  return text.replace(/ /g, "␣").replace(/\n/g, "↵").replace(/\t/g, "⇥");
}

/** As people read it: 97 %, 0.3 %, under 0.1 %. */
export function percent(logprob) {
  const share = Math.exp(logprob) * 100;
  if (share > 99.9 && share < 100) return "> 99.9 %";
  if (share < 0.1) return "< 0.1 %";
  return `${share >= 10 ? share.toFixed(0) : share.toFixed(1)} %`;
}
