// Swagger UI at /docs, as a reader uses it: an operation opened, a request sent from there, its answer read.

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

await play({ lists, chats, listsOnAPhone: [PHONE, lists] });
