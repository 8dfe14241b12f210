// Numbers as people read them. Knows no element.

const WHOLE = new Intl.NumberFormat("en");

export function whole(number) {
  return WHOLE.format(Math.round(number));
}

/** Three digits are enough: 0.42, 8.3, 118, 12,345. */
export function rough(number) {
  if (number >= 100 || number === 0) return whole(number);
  return number.toFixed(number >= 10 ? 1 : 2).replace(/\.?0+$/, "");
}

export function seconds(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

export function share(part, of) {
  return of > 0 ? `${((100 * part) / of).toFixed(part && part / of < 0.1 ? 1 : 0)} %` : "–";
}

const ENDS = { stop: "", tool_calls: "", length: "cut off at its length" };

/** One line under an answer; what is not known yet is left out. A call is only seen when it is whole. */
export function figuresOf(answer, isWhole) {
  const { numTokens, perSecond, finish, calls, firstMs, lastMs } = answer;
  const parts = [calls.length ? `a call after ${seconds(lastMs)}` : `first token ${seconds(firstMs)}`];
  if (numTokens !== null) parts.push(`${whole(numTokens)} ${numTokens === 1 ? "token" : "tokens"}`);
  if (perSecond !== null && !calls.length) parts.push(`${rough(perSecond)} tokens/s`);
  if (isWhole) parts.push(ENDS[finish] ?? "stopped");
  return parts.filter(Boolean).join(" · ");
}
