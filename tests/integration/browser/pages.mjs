// What the scenes of the page share: opening it, asking, reading an answer. Knows roles and names, as its users do.

export async function open(page, url, view = "") {
  await page.goto(url + view);
  await page.waitForSelector('#state[data-state="ready"], #state[data-state="busy"]');
  if (!view) await page.waitForSelector("#model option", { state: "attached" });
}

export async function ask(page, text) {
  await page.getByLabel("Message").fill(text);
  await page.keyboard.press("Enter");
  return answered(page);
}

/** Opens the group of settings first, if it is folded. */
export async function set(page, group, label, value) {
  const details = page.locator("details", { has: page.locator("summary", { hasText: new RegExp(`^${group}$`) }) });
  if (!(await details.getAttribute("open"))) await details.evaluate((element) => (element.open = true));
  await details.getByLabel(label).fill(value);
}

/** The last answer, once it is whole. */
export async function answered(page) {
  const answer = page.locator(".answer").last();
  await answer.and(page.locator(":not(.streaming)")).waitFor();
  return answer;
}

export const textOf = async (answer) => (await answer.locator(".said").innerText()).trim();
export const figuresOf = (answer) => answer.locator(".figures").innerText();

/** What a dialog shows behind a button of the answer. */
export async function shownBy(page, answer, name) {
  await answer.getByRole("button", { name, exact: true }).click();
  const text = await page.locator("#snippet").textContent();
  await page.getByRole("button", { name: "Close" }).click();
  return text;
}

/** From now on, how much of the page moves by itself: the sum that browsers call cumulative layout shift. */
export async function watchJumps(page) {
  await page.evaluate(() => {
    window.jumps = 0;
    const add = (list) => list.getEntries().forEach((entry) => (window.jumps += entry.value));
    new PerformanceObserver(add).observe({ type: "layout-shift" });
  });
  return () => page.evaluate(() => new Promise((resolve) => setTimeout(() => resolve(window.jumps), 100)));
}
