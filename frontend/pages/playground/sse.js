// Server-sent events out of a body that is still coming. Knows bytes and lines, not what the events say.

/** Yields the data of each event, until the body or `[DONE]` ends it. Leaving early closes the connection. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  const lines = new Lines();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const data of lines.take(value)) {
        if (data === "[DONE]") return;
        yield data;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Puts pieces of text together to events, wherever the pieces were cut. */
export class Lines {
  #rest = "";
  #data = [];

  /** The data of the events that are whole now. */
  take(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    return lines.flatMap((line) => this.#line(line.replace(/\r$/, "")));
  }

  #line(line) {
    if (line.startsWith("data:")) this.#data.push(line.slice(5).replace(/^ /, ""));
    if (line !== "" || this.#data.length === 0) return [];
    const data = this.#data.join("\n");
    this.#data = [];
    return [data];
  }
}
