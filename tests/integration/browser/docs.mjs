// The pages of the description, as a reader uses them: at /docs an operation opened, a request sent from there, its
// answer read; at /redoc the menu.

import { PHONE, play } from "./stage.mjs";

async function operation(page, method, path) {
  const block = page.locator(".opblock", { has: page.locator(`.opblock-summary-method:text-is("${method}")`) })
    .filter({ has: page.locator(`[data-path="${path}"]`) });
  await block.locator(".opblock-summary-control").click();
  return block;
}

async function executed(block) {
  await block.getByRole("button", { name: "Execute" }).click();
  const answer = block.locator(".live-responses-table .response");
  await answer.locator(".response-col_status").waitFor();
  const status = await answer.locator(".response-col_status").innerText();
  const body = await answer.locator(".response-col_description .highlight-code").first().innerText();
  return { status: status.trim(), body };
}

async function lists(page, url) {
  await page.goto(`${url}docs`);
  return executed(await operation(page, "GET", "/v1/models"));
}

async function chats(page, url) {
  await page.goto(`${url}docs`);
  const block = await operation(page, "POST", "/v1/chat/completions");
  const request = { messages: [{ role: "user", content: "Hello! Who are you?" }], max_tokens: 32, temperature: 0 };
  await block.locator("textarea.body-param__text").fill(JSON.stringify(request));
  return executed(block);
}

/** Redoc's page: what its menu says, and the pictures that are left there. */
async function reads(page, url) {
  await page.goto(`${url}redoc`);
  const menu = page.locator(".menu-content");
  await menu.getByText("API docs by Redocly").waitFor();
  await page.waitForTimeout(500);
  return { menu: await menu.innerText(), pictures: await menu.locator("img").count() };
}

await play({ lists, chats, reads, listsOnAPhone: [PHONE, lists] });
