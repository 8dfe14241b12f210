// The playground's scenes, with brook answering; those that brook cannot play are answered by the scene itself.

import { answered, ask, figuresOf, open, set, shownBy, textOf, watchJumps } from "./pages.mjs";
import { PHONE, play } from "./stage.mjs";

const LONG = 1900;
const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';

async function chat(page, url) {
  await open(page, url);
  await set(page, "Sampling", "Temperature", "0");
  const jumps = await watchJumps(page);
  const answer = await ask(page, "Hello! Who are you?");
  const first = { text: await textOf(answer), figures: await figuresOf(answer), jumps: await jumps() };
  await ask(page, "My name is Mara.");
  const again = await ask(page, "What is my name?");
  return { ...first, remembers: await textOf(again), turns: await page.locator(".turn").count() };
}

/** The answer is made as long as the context is; brook would come to an end. */
async function stopped(page, url) {
  await page.route("**/v1/chat/completions", (route) => {
    const body = { ...route.request().postDataJSON(), max_tokens: LONG, ignore_eos: true };
    return route.continue({ postData: JSON.stringify(body) });
  });
  await open(page, url);
  const before = await generated(page);
  await page.getByLabel("Message").fill("Tell me a story.");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".answer .said")?.textContent.length > 20);
  const during = await page.locator("#send").innerText();
  await page.locator("#send").click();
  const answer = await answered(page);
  const text = await textOf(answer);
  await page.waitForTimeout(2500);
  const after = await page.locator("#send").innerText();
  const grew = (await textOf(answer)) !== text;
  return { during, after, figures: await figuresOf(answer), grew, generated: (await generated(page)) - before };
}

function generated(page) {
  return page.evaluate(async () => (await (await fetch("v1/stats")).json()).totals.generated_tokens);
}

async function tools(page, url) {
  await open(page, url);
  await page.getByRole("button", { name: "Call a function" }).click();
  const first = await answered(page);
  const call = { name: await first.locator(".what strong").innerText(), given: await first.locator(".call pre").innerText() };
  await page.getByLabel("What get_weather returns").fill('{"temperature": 21, "condition": "sunny"}');
  await page.keyboard.press("Enter");
  await page.locator(".answer").nth(1).waitFor();
  const answer = await answered(page);
  return { ...call, text: await textOf(answer), tokens: await figuresOf(first) };
}

async function probabilities(page, url) {
  await open(page, url);
  await page.getByRole("button", { name: "See how sure it is" }).click();
  const answer = await answered(page);
  const tokens = answer.locator(".token:not(.marker)");
  const tip = page.getByRole("tooltip");
  await tokens.nth(3).hover();
  const hovered = await tip.locator(".row").allInnerTexts();
  await page.mouse.move(5, 5);
  const isGone = await tip.isHidden();
  await answer.locator(".token").first().focus();
  for (let count = 0; count < 3; count++) await page.keyboard.press("ArrowRight");
  const byKey = await tip.locator(".row").allInnerTexts();
  const isDescribed = (await page.locator(":focus").getAttribute("aria-describedby")) === "tip";
  await page.keyboard.press("Escape");
  const shown = (await tokens.allTextContents()).join("");
  const doubts = await tokens.evaluateAll((all) => all.map((token) => Number(token.style.getPropertyValue("--doubt"))));
  const stops = await answer.locator('.token[tabindex="0"]').count();
  return { hovered, isGone, byKey, isDescribed, isHidden: await tip.isHidden(), shown, text: await copied(page, answer), doubts, stops };
}

async function copied(page, answer) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await answer.getByRole("button", { name: "Copy" }).click();
  await answer.getByRole("button", { name: "Copied" }).waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

async function structured(page, url) {
  await open(page, url);
  await page.getByRole("button", { name: "Answer in JSON" }).click();
  return { answer: JSON.parse(await textOf(await answered(page))) };
}

async function refused(page, url) {
  await open(page, url);
  await set(page, "Sampling", "Temperature", "-1");
  const answer = await ask(page, "Hi");
  const shown = await answer.locator(".error").innerText();
  const body = { messages: [{ role: "user", content: "Hi" }], temperature: -1 };
  const said = await page.evaluate(async (b) => (await fetch("v1/chat/completions", { method: "POST", body: JSON.stringify(b) })).json(), body);
  await set(page, "Sampling", "Temperature", "0");
  await answer.getByRole("button", { name: "Again" }).click();
  return { shown, said: said.error, again: await textOf(await answered(page)), answers: await page.locator(".answer").count() };
}

async function unreadable(page, url) {
  await open(page, url);
  await set(page, "Tools", "Functions, as JSON", "[{");
  await page.getByLabel("Message").fill("Hi");
  await page.keyboard.press("Enter");
  const fault = await page.getByLabel("Functions, as JSON").evaluate((box) => box.validationMessage);
  return { fault, kept: await page.getByLabel("Message").inputValue(), turns: await page.locator(".turn").count() };
}

async function snippets(page, url) {
  await open(page, url);
  await page.getByLabel("System prompt").fill("It's you.");
  await set(page, "Sampling", "Top k", "5");
  const answer = await ask(page, "Hello! Who are you?");
  return { curl: await shownBy(page, answer, "curl"), python: await shownBy(page, answer, "Python") };
}

async function edited(page, url) {
  await open(page, url);
  await ask(page, "Hello! Who are you?");
  await ask(page, "What is 2 + 2?");
  await page.getByRole("button", { name: "Edit" }).nth(1).click();
  const offered = await page.getByLabel("Message").inputValue();
  const left = await page.locator(".turn").count();
  const answer = await ask(page, "What is 3 + 4?");
  const text = await textOf(answer);
  await page.getByRole("button", { name: "New chat" }).click();
  return { offered, left, text, turns: await page.locator(".turn").count(), isWelcome: await page.locator("#welcome").isVisible() };
}

/** A connection that breaks, and a server that is not there. */
async function broken(page, url) {
  await open(page, url);
  await page.route("**/v1/chat/completions", (route) => route.abort("connectionreset"));
  const answer = await ask(page, "Hi");
  await page.route("**/v1/stats", (route) => route.abort("connectionrefused"));
  await page.getByRole("link", { name: "Live" }).click();
  await page.locator("#board-notice").waitFor();
  return { error: await answer.locator(".error").innerText(), notice: await page.locator("#board-notice").innerText(), state: await page.locator("#state").innerText() };
}

/** Reasoning, code and HTML, in chunks that the scene makes up. */
async function hostile(page, url) {
  const deltas = [{ role: "assistant", content: "" }, { reasoning: `Hm ${HOSTILE}` }, { content: `${HOSTILE}\n\n\`\`\`html\n` }, { content: `${HOSTILE}\n\`\`\`\n` }];
  const chunks = deltas.map((delta) => ({ choices: [{ index: 0, delta, finish_reason: null }] }));
  const body = [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
  await page.route("**/v1/chat/completions", (route) => route.fulfill({ contentType: "text/event-stream", body }));
  await open(page, url);
  const answer = await ask(page, HOSTILE);
  const fold = answer.locator("details.reasoning");
  const isFolded = (await fold.getAttribute("open")) === null;
  await fold.locator("summary").click();
  return {
    isFolded,
    asked: await page.locator(".user .said").innerText(),
    reasoning: await fold.locator(".text").innerText(),
    prose: await answer.locator(".said > .text .prose").innerText(),
    code: await answer.locator(".said > .text pre code").innerText(),
    title: await page.title(),
    elements: await page.locator(".turn img, .turn script").count(),
  };
}

async function phone(page, url) {
  await open(page, url);
  const widths = [await widthOf(page)];
  await page.getByRole("button", { name: "Settings" }).tap();
  await set(page, "Sampling", "Temperature", "0");
  const focused = await page.locator(":focus").count();
  await page.keyboard.press("Escape");
  await page.locator("#settings").waitFor({ state: "hidden" });
  await ask(page, "Hello! Who are you?");
  widths.push(await widthOf(page));
  const box = await page.locator("#composer").boundingBox();
  await page.getByRole("link", { name: "Live" }).tap();
  await page.locator(".tile").first().waitFor();
  widths.push(await widthOf(page));
  return { widths, focused, bottom: box.y + box.height };
}

const widthOf = (page) => page.evaluate(() => document.documentElement.scrollWidth);

await play({
  chat, stopped, tools, probabilities, structured, refused, unreadable, snippets, edited, broken, hostile,
  phone: [PHONE, phone],
});
