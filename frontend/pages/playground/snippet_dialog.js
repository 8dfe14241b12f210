// Shows a program and copies it. Knows a dialog, not the program.

import { byId } from "./dom.js";

export class SnippetDialog {
  #dialog = byId("snippet-dialog");
  #text = byId("snippet");
  #copy = byId("snippet-copy");

  constructor() {
    byId("snippet-close").addEventListener("click", () => this.#dialog.close());
    this.#copy.addEventListener("click", () => this.#toClipboard());
  }

  show(title, text, note = "") {
    byId("snippet-title").textContent = title;
    byId("snippet-note").textContent = note;
    this.#text.textContent = text;
    this.#copy.textContent = "Copy";
    this.#dialog.showModal();
    this.#copy.focus();
  }

  async #toClipboard() {
    this.#copy.textContent = (await copy(this.#text)) ? "Copied" : "Press Ctrl+C";
  }
}

/** Browsers give the clipboard to pages from https and this machine alone; elsewhere the text is selected. */
async function copy(element) {
  getSelection().selectAllChildren(element);
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    return false;
  }
}
