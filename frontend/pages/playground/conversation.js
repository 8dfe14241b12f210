// What was said so far, as the messages of a request. Knows roles, not how anything looks.

export class Conversation {
  #messages = [];

  /** How many messages there are: a place to return to. */
  get length() {
    return this.#messages.length;
  }

  say(text) {
    this.#messages.push({ role: "user", content: text });
  }

  /** The model's own message. */
  answer(message) {
    this.#messages.push(message);
  }

  /** What the functions that the model called gave back. */
  results(results) {
    for (const { id, content } of results) {
      this.#messages.push({ role: "tool", tool_call_id: id, content });
    }
  }

  /** Forgets everything from that place on. */
  backTo(length) {
    this.#messages.length = length;
  }

  /** The body that asks for what comes next. */
  request(system, fields) {
    const head = system ? [{ role: "system", content: system }] : [];
    return { messages: [...head, ...this.#messages], ...fields };
  }
}
