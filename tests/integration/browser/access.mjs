// Under a prefix and behind keys, as `penstock serve --api-key sk-right` is: the page asks, and keeps what it is told.

import { answered, ask, open, shownBy, textOf } from "./pages.mjs";
import { play } from "./stage.mjs";

async function asksForAKey(page, url) {
  await page.goto(url);
  const dialog = page.getByRole("dialog", { name: "API key" });
  await dialog.waitFor();
  const why = await page.locator("#key-why").innerText();
  await give(page, "sk-wrong");
  await dialog.waitFor();
  await give(page, "sk-right");
  await page.waitForSelector("#model option", { state: "attached" });
  const answer = await ask(page, "Hello! Who are you?");
  const kept = await page.evaluate(() => ({ session: { ...sessionStorage }, local: localStorage.length, cookie: document.cookie }));
  const text = await textOf(answer);
  const curl = await shownBy(page, answer, "curl");
  await page.reload();
  await page.waitForSelector("#model option", { state: "attached" });
  return { why, kept, text, curl };
}

async function give(page, key) {
  await page.getByLabel("Key", { exact: true }).fill(key);
  await page.keyboard.press("Enter");
}

async function canBeLeftWithoutAKey(page, url) {
  await page.goto(url);
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.waitForSelector('#state[data-state="away"]');
  const state = await page.locator("#state").innerText();
  await page.waitForTimeout(3500);
  const isLeftAlone = await page.getByRole("dialog").isHidden();
  await page.getByRole("link", { name: "Live" }).click();
  const notice = await page.locator("#board-notice").innerText();
  await page.getByRole("button", { name: "Key" }).click();
  await give(page, "sk-right");
  await open(page, url);
  return { state, isLeftAlone, notice };
}

await play({ asksForAKey, canBeLeftWithoutAKey });
