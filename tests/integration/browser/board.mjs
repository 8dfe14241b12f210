// The live board's scenes: under load, and while nobody looks.

import { open } from "./pages.mjs";
import { play } from "./stage.mjs";

const LOAD = { prompt: "Once upon a time, ".repeat(20), max_tokens: 1200, ignore_eos: true, temperature: 1 };
const NUM_STREAMS = 12;
const HEARTBEAT_MS = 1000;
const PATIENCE_MS = 30_000;

async function underLoad(page, url) {
  await open(page, url, "#live");
  const before = await atRest(url);
  const load = [...Array(NUM_STREAMS).keys()].map((seed) => send(url, { ...LOAD, seed }));
  await running(page, (value) => value > 1);
  const busy = await tiles(page);
  const later = await once(() => tiles(page), ({ Generated }) => Generated.line >= 2 && !["–", "0"].includes(Generated.value));
  await Promise.all(load);
  await running(page, (value) => value === 0);
  const total = await atRest(url);
  const idle = await once(() => tiles(page), ({ Generated }) => Generated.note.startsWith(total.toLocaleString("en-US")));
  return { busy, later, idle, total, generated: total - before, sent: NUM_STREAMS * LOAD.max_tokens };
}

/** What is seen once it is so; after a while, what is seen instead. */
async function once(look, holds) {
  const end = Date.now() + PATIENCE_MS;
  let seen = await look();
  while (!holds(seen) && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    seen = await look();
  }
  return seen;
}

/** Waits until the tile says so. */
async function running(page, holds) {
  const tile = page.locator(".tile", { has: page.getByRole("heading", { name: "Running" }) });
  while (!holds(Number(await tile.locator(".value").innerText()))) await page.waitForTimeout(50);
}

async function send(url, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${url}v1/completions`, { method: "POST", headers, body: JSON.stringify(body) });
  await response.arrayBuffer();
}

/** Title, value, note and the length of the line of each tile. */
function tiles(page) {
  return page.locator(".tile").evaluateAll((all) =>
    Object.fromEntries(all.map((tile) => [tile.querySelector("h2").textContent, {
      value: tile.querySelector(".value").textContent,
      note: tile.querySelector(".note").textContent,
      line: tile.querySelector(".line").getAttribute("d").split("L").length,
    }])),
  );
}

/** When no more heartbeats bring more. */
async function atRest(url) {
  let before = -1;
  return once(async () => {
    const now = await generated(url);
    const isSame = now === before;
    before = now;
    if (!isSame) await new Promise((resolve) => setTimeout(resolve, 2 * HEARTBEAT_MS));
    return isSame ? now : -1;
  }, (value) => value >= 0);
}

async function generated(url) {
  return (await (await fetch(`${url}v1/stats`)).json()).totals.generated_tokens;
}

/** How often the page asks in so many seconds, seen and unseen. */
async function hidden(page, url) {
  let asked = 0;
  page.on("request", (request) => (asked += request.url().endsWith("/v1/stats") ? 1 : 0));
  const countFor = async (milliseconds) => {
    asked = 0;
    await page.waitForTimeout(milliseconds);
    return asked;
  };
  const asks = () => page.waitForRequest((request) => request.url().endsWith("/v1/stats"), { timeout: PATIENCE_MS });
  await open(page, url, "#live");
  const asksOn = (await isSo(asks())) && (await isSo(asks()));
  const seen = await countFor(3000);
  await turn(page, "hidden");
  await page.waitForTimeout(1500);
  const unseen = await countFor(2500);
  const next = isSo(asks());
  await turn(page, "visible");
  return { asksOn, seen, unseen, again: await next };
}

const isSo = (promise) => promise.then(() => true, () => false);

function turn(page, state) {
  return page.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

await play({ underLoad, hidden });
