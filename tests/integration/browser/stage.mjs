// Plays scenes in a headless Chromium and prints what each saw, a JSON line each. Knows no page's inside.
//
// A program calls play({scene, ...}); its arguments are the browser's path, the server's base URL and, where not all
// are wanted, names of scenes. A scene gets a fresh page and the URL. Its line tells too what stood on the console,
// and which other hosts were asked for.

import { inspect } from "node:util";
import { chromium } from "playwright-core";

export const DESKTOP = { viewport: { width: 1280, height: 800 } };
export const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const PATIENCE_MS = 60_000;

/** `scenes` maps names to functions, or to `[context options, function]`. */
export async function play(scenes) {
  const [, , executablePath, url, ...names] = process.argv;
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  for (const name of names.length ? names : Object.keys(scenes)) {
    const [options, act] = Array.isArray(scenes[name]) ? scenes[name] : [DESKTOP, scenes[name]];
    const line = await seen(await browser.newContext(options), act, url);
    process.stdout.write(`${JSON.stringify({ scene: name, ...line })}\n`);
  }
  await browser.close();
}

async function seen(context, act, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const said = [];
  const elsewhere = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`uncaught: ${error.stack}`));
  page.on("request", (request) => isHere(request.url(), url) || elsewhere.push(request.url()));
  try {
    return { seen: await act(page, url), said, elsewhere };
  } catch (error) {
    return { error: inspect(error), said, elsewhere };
  } finally {
    await context.close();
  }
}

function isHere(address, url) {
  return new URL(address).origin === new URL(url).origin || /^(data|blob):/.test(address);
}
