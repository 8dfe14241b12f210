// The live board's scenes: under load, and while nobody looks.

import { open } from "./pages.mjs";
import { play } from "./stage.mjs";

const LOAD = { prompt: "Once upon a time, ".repeat(20), max_tokens: 1200, ignore_eos: true, temperature: 1 };
const NUM_STREAMS = 12;

async function underLoad(page, url) {
  await open(page, url, "#live");
  const before = await generated(url);
  const load = [...Array(NUM_STREAMS).keys()].map((seed) => send(url, { ...LOAD, seed }));
  await running(page, (value) => value > 1);
  const busy = await tiles(page);
  await page.waitForTimeout(2500);
  const later = await tiles(page);
  await Promise.all(load);
  await running(page, (value) => value === 0);
  await page.waitForTimeout(1100);
  const after = await generated(url);
  return { busy, later, idle: await tiles(page), total: after, generated: after - before, sent: NUM_STREAMS * LOAD.max_tokens };
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
  await open(page, url, "#live");
  const seen = await countFor(3000);
  await turn(page, "hidden");
  await page.waitForTimeout(200);
  const unseen = await countFor(2500);
  const next = page.waitForRequest((request) => request.url().endsWith("/v1/stats"), { timeout: 10_000 });
  await turn(page, "visible");
  return { seen, unseen, again: await next.then(() => 1, () => 0) };
}

function turn(page, state) {
  return page.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
}

await play({ underLoad, hidden });
