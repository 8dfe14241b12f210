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

/** One line under an answer; what is not known yet is left out. */
export function figuresOf(answer, isWhole) {
  const parts = [`first token ${seconds(answer.firstMs)}`];
  const { numTokens, perSecond, finish } = answer;
  if (numTokens !== null) parts.push(`${whole(numTokens)} ${numTokens === 1 ? "token" : "tokens"}`);
  if (perSecond !== null) parts.push(`${rough(perSecond)} tokens/s`);
  if (isWhole) parts.push(ENDS[finish] ?? "stopped");
  return parts.join(" · ");
}

const ENDS = { stop: "ended by itself", length: "cut off by its length", tool_calls: "waits for a result" };
