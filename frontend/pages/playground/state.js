// The pill in the bar: how the server is, in two words. Knows the numbers of /v1/stats.

import { byId, say } from "./dom.js";

export function showState(stats, error) {
  const [state, words] = error ? troubleOf(error) : stateOf(stats);
  byId("state").dataset.state = state;
  say(byId("state-text"), words);
}

function troubleOf(error) {
  if (error.status === 401) return ["away", "needs a key"];
  return ["away", error.status ? `status ${error.status}` : "not reachable"];
}

function stateOf({ status, requests }) {
  if (status !== "ready") return [status === "starting" ? "starting" : "away", status];
  const { running, waiting } = requests;
  const words = [running && `${running} running`, waiting && `${waiting} waiting`].filter(Boolean);
  return words.length ? ["busy", words.join(", ")] : ["ready", "ready"];
}
