// Where the user writes. Knows keys and buttons, not what becomes of the text.

import { byId, say } from "./dom.js";

export class Composer {
  #form = byId("composer");
  #box = byId("prompt");
  #button = byId("send");

  /** `onSend(text)` says whether the text was taken; `onStop()` ends the answer that is coming. */
  constructor({ onSend, onStop }) {
    this.isBusy = false;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.isBusy) onStop();
      else this.#send(onSend);
    });
    this.#box.addEventListener("keydown", (event) => this.#key(event, onSend));
    this.#box.addEventListener("input", () => this.#fit());
    addEventListener("keydown", (event) => this.isBusy && isEscape(event) && onStop());
  }

  #key(event, onSend) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!this.isBusy) this.#send(onSend);
  }

  #send(onSend) {
    const text = this.#box.value.trim();
    if (text && onSend(text)) this.write("");
  }

  /** Puts a text there to be changed. */
  write(text) {
    this.#box.value = text;
    this.#fit();
    this.#box.focus();
  }

  /** While an answer comes, the button stops it. */
  busy(isBusy) {
    this.isBusy = isBusy;
    say(this.#button, isBusy ? "Stop" : "Send");
    this.#button.classList.toggle("stop", isBusy);
  }

  #fit() {
    this.#box.style.height = "auto";
    this.#box.style.height = `${this.#box.scrollHeight}px`;
  }
}

/** Escape closes a dialog first. */
function isEscape(event) {
  return event.key === "Escape" && !document.querySelector("dialog[open]");
}
