// Puts the page together: two views, one key, one pulse. Knows every part by name and no part's inside.

import { Api } from "./api.js";
import { Board } from "./board.js";
import { Chat } from "./chat.js";
import { button, byId, make, say } from "./dom.js";
import { EXAMPLES, SCHEMA, TOOLS, USUAL } from "./examples.js";
import { watchJson } from "./fields.js";
import { Keys } from "./keys.js";
import { Models } from "./models.js";
import { poll } from "./poll.js";
import { Sheet } from "./sheet.js";
import { SnippetDialog } from "./snippet_dialog.js";
import { showState } from "./state.js";
import { Tip } from "./tip.js";

const keys = new Keys();
const api = new Api(keys);
const sheet = new Sheet();
const board = new Board();
const models = new Models(api);
const chat = new Chat({ api, keys, tip: new Tip(byId("tip")), dialog: new SnippetDialog(), showSettings: () => sheet.open() });

function showView() {
  const isLive = location.hash === "#live";
  byId("chat-view").hidden = isLive;
  byId("live-view").hidden = !isLive;
  byId("settings-button").hidden = isLive;
  byId("new-chat").hidden = isLive;
  for (const link of document.querySelectorAll("nav a")) {
    if ((link.hash === "#live") === isLive) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function fill(name, text) {
  const control = byId("settings").elements[name];
  if (control.type === "checkbox") control.checked = text;
  else control.value = text;
  control.dispatchEvent(new Event("input"));
}

/** Each example sets what it needs, and takes back what another one set. */
function tryOut({ prompt, set, opens }) {
  for (const [name, usual] of Object.entries(USUAL)) fill(name, set[name] ?? usual);
  if (opens) byId(opens).open = true;
  chat.send(prompt);
}

function tell(stats, error) {
  showState(stats, error);
  if (error) board.fail(error);
  else board.show(stats);
  if (stats?.status === "ready" || error?.status === 401) models.load();
}

byId("examples").append(...EXAMPLES.map((example) => make("li", {}, button(example.words, () => tryOut(example)))));
byId("tools-example").addEventListener("click", () => fill("tools", TOOLS));
byId("schema-example").addEventListener("click", () => fill("response_format", SCHEMA));
watchJson(byId("settings"));
addEventListener("hashchange", showView);
showView();
const now = poll(() => api.get("v1/stats", { asks: false }), tell);
keys.addEventListener("change", () => {
  models.unlock();
  now();
});
