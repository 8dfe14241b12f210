// Random numbers from a seed, so that a failure can be had again.

export function random(seed) {
  let state = (seed + 1) * 2654435761;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A text or a list in pieces of one to five. */
export function cut(whole, draw) {
  const pieces = [];
  for (let at = 0; at < whole.length; ) {
    const end = at + 1 + Math.floor(draw() * 5);
    pieces.push(whole.slice(at, end));
    at = end;
  }
  return pieces;
}
