// The settings on a narrow screen: a sheet over the conversation. On a wide one it is always there.

import { byId } from "./dom.js";

export class Sheet {
  #sheet = byId("settings");
  #button = byId("settings-button");

  constructor() {
    this.#button.addEventListener("click", () => this.open());
    byId("settings-done").addEventListener("click", () => this.close());
    this.#sheet.addEventListener("keydown", (event) => event.key === "Escape" && this.close());
    this.#sheet.addEventListener("submit", (event) => event.preventDefault());
    matchMedia("(min-width: 56rem)").addEventListener("change", () => this.close());
  }

  open() {
    this.#set(true);
    if (this.#button.offsetParent) byId("settings-done").focus();
  }

  close() {
    if (this.#button.getAttribute("aria-expanded") !== "true") return;
    this.#set(false);
    if (this.#button.offsetParent) this.#button.focus();
  }

  #set(isOpen) {
    this.#sheet.classList.toggle("open", isOpen);
    this.#button.setAttribute("aria-expanded", String(isOpen));
  }
}
