// Shows an answer's text as it grows. Knows blocks and elements; only what changed is touched.

import { blocksOf } from "./blocks.js";
import { make } from "./dom.js";

export class Prose {
  #shown = [];

  constructor(element) {
    this.element = element;
  }

  show(text, isWhole) {
    blocksOf(text, isWhole).forEach((block, index) => this.#show(block, index));
  }

  #show(block, index) {
    const shown = this.#shown[index];
    if (shown?.kind === block.kind && shown.language === block.language) {
      extend(shown.node, block.text);
      return;
    }
    const fresh = { ...block, node: document.createTextNode(block.text) };
    const element = elementOf(block, fresh.node);
    if (shown) this.element.children[index].replaceWith(element);
    else this.element.append(element);
    this.#shown[index] = fresh;
  }
}

function elementOf({ kind, language }, node) {
  if (kind === "text") return make("p.prose", {}, node);
  const code = make("code", {}, node);
  return make("pre.code", { tabIndex: 0, "aria-label": `Code ${language}`.trim(), "data-language": language }, code);
}

/** Appending leaves the reader's selection alone. */
function extend(node, text) {
  if (text.startsWith(node.data)) {
    if (text.length > node.data.length) node.appendData(text.slice(node.data.length));
  } else {
    node.data = text;
  }
}
