// Which token stands where in the text. Knows strings and bytes, no page.
//
// The text of an answer is what is left of its tokens: markers of reasoning are taken out, and a character
// may be several tokens. So each token is looked for where the text goes on; one that is not there is a marker.

export class Alignment {
  #decoder = new TextDecoder();
  #waiting = [];
  #segment = 0;
  #place = 0;

  /** More tokens, as the API gives them: `{ token, bytes, logprob, top_logprobs }`. */
  add(entries) {
    for (const entry of entries) {
      const text = this.#decoder.decode(new Uint8Array(entry.bytes), { stream: true });
      this.#waiting.push({ text, entry });
    }
  }

  /** They became something else than text. */
  forget() {
    this.#waiting = [];
  }

  /** What can be told by now: `{ segment, text, entry, isMarker }`; text that no token explains has no entry. */
  place(segments, isLast = false) {
    const placed = [];
    while (this.#waiting.length && this.#next(segments, isLast, placed)) this.#waiting.shift();
    if (isLast) this.#rest(segments, placed);
    return placed;
  }

  /** Whether the first token waiting found its place. */
  #next(segments, isLast, placed) {
    const { text, entry } = this.#waiting[0];
    while (this.#isOver(segments, text)) this.#leave(segments, placed);
    const segment = segments[this.#segment];
    if (!segment) return isLast;
    const rest = segment.text.slice(this.#place);
    if (text && rest.startsWith(text)) {
      placed.push({ segment: this.#segment, text, entry, isMarker: false });
      this.#place += text.length;
      return true;
    }
    if (text && text.startsWith(rest) && !isLast) return false;
    placed.push({ segment: this.#segment, text: text || entry.token, entry, isMarker: true });
    return true;
  }

  /** Whether the text goes on in the next segment. */
  #isOver(segments, text) {
    const rest = segments[this.#segment]?.text.slice(this.#place);
    const hasNext = this.#segment + 1 < segments.length;
    return hasNext && (rest === "" || (text !== "" && !rest.startsWith(text)));
  }

  #leave(segments, placed) {
    const text = segments[this.#segment].text.slice(this.#place);
    if (text) placed.push({ segment: this.#segment, text, entry: null, isMarker: false });
    this.#segment += 1;
    this.#place = 0;
  }

  #rest(segments, placed) {
    while (this.#segment < segments.length) this.#leave(segments, placed);
  }
}
