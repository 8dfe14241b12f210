// Reads the deployment's numbers each second, as long as somebody can see them. Knows time, not the numbers.

const EVERY_MS = 1000;
const AFTER_TROUBLE_MS = 3000;

/** `read()` gives the numbers; `tell(numbers, null)` or `tell(null, error)` hears of each reading. */
export function poll(read, tell) {
  let timer = 0;
  let isReading = false;

  async function turn() {
    clearTimeout(timer);
    if (isReading || document.visibilityState !== "visible") return;
    isReading = true;
    const begun = performance.now();
    const error = await reading(read, tell);
    isReading = false;
    const pause = error ? AFTER_TROUBLE_MS : EVERY_MS;
    timer = setTimeout(turn, Math.max(0, pause - (performance.now() - begun)));
  }

  document.addEventListener("visibilitychange", turn);
  turn();
  return turn;
}

async function reading(read, tell) {
  try {
    tell(await read(), null);
    return null;
  } catch (error) {
    tell(null, error);
    return error;
  }
}
