// The user's own turns in a conversation. Knows elements alone.

import { button, make } from "./dom.js";

export function userTurn(text, onEdit) {
  const said = make("p.prose", { textContent: text });
  const head = make("div.head", {}, make("p.who", { textContent: "You" }), button("Edit", onEdit));
  return make("li.turn.user", {}, head, make("div.said", {}, said));
}

/** Takes that turn and all after it away. */
export function removeFrom(turn) {
  while (turn.nextElementSibling) turn.nextElementSibling.remove();
  turn.remove();
}
