// The API key: asked for when it is needed, kept in this tab. Knows no request.

import { byId } from "./dom.js";

const PLACE = "penstock.key";

/** Says "change" when there is another. */
export class Keys extends EventTarget {
  #dialog = byId("key-dialog");
  #input = byId("key");
  #asking = null;

  constructor() {
    super();
    byId("key-form").addEventListener("submit", (event) => this.#use(event));
    byId("key-cancel").addEventListener("click", () => this.#dialog.close("cancel"));
    byId("key-button").addEventListener("click", () => this.ask("Another key for the next requests."));
    byId("key-button").hidden = !this.key;
  }

  get key() {
    return sessionStorage.getItem(PLACE) ?? "";
  }

  /** Whether the user gave one. Whoever asks meanwhile waits for the same answer. */
  ask(why) {
    this.#asking ??= this.#open(why).finally(() => (this.#asking = null));
    return this.#asking;
  }

  #open(why) {
    byId("key-why").textContent = why;
    byId("key-button").hidden = false;
    this.#input.value = "";
    this.#dialog.returnValue = "";
    this.#dialog.showModal();
    return new Promise((resolve) => {
      const closed = () => resolve(this.#dialog.returnValue === "use");
      this.#dialog.addEventListener("close", closed, { once: true });
    });
  }

  #use(event) {
    event.preventDefault();
    sessionStorage.setItem(PLACE, this.#input.value.trim());
    this.#dialog.close("use");
    this.dispatchEvent(new Event("change"));
  }
}
