// How tokens and their probabilities are written for people. Knows bytes and numbers, no element.

const SIGNS = { " ": "␣", "\n": "↵", "\t": "⇥" };
const UNSEEN = /[\s\u0000-\u001f\u007f-\u009f]/gu;

/** A token's text with signs for what cannot be seen; its bytes where they are a part of a character. */
export function nameOf({ token, bytes }) {
  if (token.includes("\ufffd")) return bytes.map(hex).join("");
  return token.replace(UNSEEN, (sign) => SIGNS[sign] ?? hex(sign.codePointAt(0))) || "(empty)";
}

function hex(number) {
  return `\\x${number.toString(16).padStart(2, "0")}`;
}

/** 97 %, 0.3 %, under 0.1 %. */
export function percent(logprob) {
  const share = Math.exp(logprob) * 100;
  if (share > 99.9 && share < 100) return "> 99.9 %";
  if (share < 0.1) return "< 0.1 %";
  return `${share >= 10 ? share.toFixed(0) : share.toFixed(1)} %`;
}
