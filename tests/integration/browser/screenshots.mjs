// The pictures in docs/: node screenshots.mjs BROWSER URL FOLDER, against a server that is under load for the board.

import { chromium } from "playwright-core";

import { answered, open } from "./pages.mjs";

const [, , executablePath, url, folder] = process.argv;
const BOARD_S = 45;

async function playground(page) {
  await open(page, url);
  await page.getByRole("button", { name: "See how sure it is" }).click();
  const answer = await answered(page);
  const tokens = answer.locator(".token");
  const places = await tokens.evaluateAll((all) => all.map((token) => {
    const { left, top } = token.getBoundingClientRect();
    return { doubt: Number(token.style.getPropertyValue("--doubt")), left, top };
  }));
  const seen = places.filter(({ left, top }) => left > 200 && left < 500 && top > places[0].top);
  await tokens.nth(places.indexOf(seen.sort((a, b) => b.doubt - a.doubt)[0])).hover();
  await page.screenshot({ path: `${folder}/playground.png` });
}

async function board(page) {
  await open(page, url, "#live");
  await page.waitForTimeout(BOARD_S * 1000);
  await page.screenshot({ path: `${folder}/live-board.png`, clip: { x: 0, y: 0, width: 1200, height: 560 } });
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const context = await browser.newContext({ viewport: { width: 1200, height: 720 } });
for (const picture of [playground, board]) await picture(await context.newPage());
await browser.close();
