// Shows a program and copies it. Knows a dialog, not the program.

import { byId } from "./dom.js";

const SAID_MS = 1500;

export class SnippetDialog {
  #dialog = byId("snippet-dialog");
  #text = byId("snippet");
  #copy = byId("snippet-copy");

  constructor() {
    byId("snippet-close").addEventListener("click", () => this.#dialog.close());
    this.#copy.addEventListener("click", () => this.#copyShown());
  }

  show(title, text, note = "") {
    byId("snippet-title").textContent = title;
    byId("snippet-note").textContent = note;
    this.#text.textContent = text;
    this.#copy.textContent = "Copy";
    this.#dialog.showModal();
    this.#copy.focus();
  }

  /** Copies at once where that is allowed, and says so on the button; else shows what to copy. */
  async copy(button, title, text) {
    if (!(await toClipboard(text))) {
      this.show(title, text);
      return;
    }
    const words = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = words), SAID_MS);
  }

  async #copyShown() {
    getSelection().selectAllChildren(this.#text);
    this.#copy.textContent = (await toClipboard(this.#text.textContent)) ? "Copied" : "Press Ctrl+C";
  }
}

/** Whether it worked: browsers give the clipboard to pages from https and from this machine alone. */
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
