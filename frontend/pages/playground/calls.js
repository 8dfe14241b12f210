// The calls of functions that a model asks for, and the results that the user types. Knows no request.

import { button, make } from "./dom.js";

export class Calls {
  element = make("div.calls");
  #shown = [];

  /** As the arguments grow. */
  show(calls) {
    calls.forEach((call, index) => {
      this.#shown[index] ??= this.#open();
      const { name, given } = this.#shown[index];
      name.textContent = call.name;
      given.textContent = pretty(call.arguments);
    });
  }

  #open() {
    const name = make("strong.code");
    const given = make("pre.code", { tabIndex: 0, "aria-label": "Arguments" });
    const card = make("div.call", { role: "group" }, make("p.what", {}, "calls ", name), given);
    this.element.append(card);
    return { name, given, card };
  }

  /** From now on results can be typed; `onResults` gets `[{ id, content }]`, once. */
  askForResults(calls, onResults) {
    const boxes = calls.map((call, index) => resultBox(call, this.#shown[index].card));
    const form = make("form.results", {}, make("button.main", { type: "submit", textContent: "Go on with the result" }));
    if (calls.length > 1) form.firstChild.textContent = "Go on with the results";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      for (const box of boxes) box.readOnly = true;
      form.remove();
      onResults(calls.map((call, index) => ({ id: call.id, content: boxes[index].value })));
    });
    for (const box of boxes) box.addEventListener("keydown", (event) => sends(event) && form.requestSubmit());
    this.element.append(form);
    boxes[0].focus({ preventScroll: true });
  }
}

function sends(event) {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && !event.preventDefault();
}

function resultBox(call, card) {
  const box = make("textarea.code", { rows: 2, placeholder: '{"temperature": 21}', spellcheck: false });
  card.append(make("label", {}, `What ${call.name} returns`, box));
  return box;
}

/** Indented once it is whole; as it comes before that. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
