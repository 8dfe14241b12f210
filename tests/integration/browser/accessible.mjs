// What axe-core, a checker of accessibility, finds on each view, light and dark, wide and narrow.

import { createRequire } from "node:module";

import { answered, open } from "./pages.mjs";
import { DESKTOP, PHONE, play } from "./stage.mjs";

const AXE = createRequire(import.meta.url).resolve("axe-core");

async function check(page, url) {
  await open(page, url);
  await page.addScriptTag({ path: AXE });
  const found = { welcome: await violations(page) };
  for (const words of ["Call a function", "See how sure it is"]) {
    await page.getByRole("button", { name: /^New/ }).click();
    await page.getByRole("button", { name: words }).click();
    await answered(page);
    found[words] = await violations(page);
  }
  await page.locator(".token").evaluateAll(doubted);
  found.doubt = await violations(page);
  await page.locator(".token").first().focus();
  found.tooltip = await violations(page);
  await page.getByRole("link", { name: "Live" }).click();
  await page.waitForTimeout(1200);
  found.live = await violations(page);
  return found;
}

// As little contrast as a token can have, as text and as a marker; what a model says is not always so unsure.
function doubted(tokens) {
  tokens.forEach((token, place) => {
    token.style.setProperty("--doubt", 1);
    token.classList.toggle("marker", place % 2 === 0);
  });
}

async function violations(page) {
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
}

const bypassCSP = true; // axe itself is not the page's own

await play({
  wideLight: [{ ...DESKTOP, bypassCSP, colorScheme: "light" }, check],
  wideDark: [{ ...DESKTOP, bypassCSP, colorScheme: "dark" }, check],
  narrowLight: [{ ...PHONE, bypassCSP, colorScheme: "light" }, check],
  narrowDark: [{ ...PHONE, bypassCSP, colorScheme: "dark" }, check],
});
