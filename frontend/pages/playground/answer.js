// One answer, put together from its chunks. Knows their shapes and their times, no page.

export class Answer {
  /** `{ kind: "reasoning" | "content", text }`, in the order in which they came. */
  segments = [];
  /** `{ id, name, arguments }`; the arguments are JSON that is still coming. */
  calls = [];
  /** The newest chunk's tokens with their log probabilities. */
  entries = [];
  finish = null;
  usage = null;
  #begun;
  #first = null;
  #last = null;

  /** Times are milliseconds of one clock. */
  constructor(now) {
    this.#begun = now;
  }

  take(chunk, now) {
    this.usage = chunk.usage ?? this.usage;
    this.entries = [];
    const [choice] = chunk.choices;
    if (!choice) return;
    this.finish = choice.finish_reason ?? this.finish;
    this.entries = choice.logprobs?.content ?? [];
    const says = this.#delta(choice.delta);
    if (says || this.entries.length) this.#spoke(now);
  }

  #delta({ reasoning, content, tool_calls: calls = [] }) {
    if (reasoning) this.#text("reasoning", reasoning);
    if (content) this.#text("content", content);
    for (const call of calls) this.#call(call);
    return Boolean(reasoning || content || calls.length);
  }

  #text(kind, text) {
    const last = this.segments.at(-1);
    if (last?.kind === kind) last.text += text;
    else this.segments.push({ kind, text });
  }

  #call({ index, id, function: called = {} }) {
    this.calls[index] ??= { id: "", name: "", arguments: "" };
    const call = this.calls[index];
    call.id ||= id ?? "";
    call.name += called.name ?? "";
    call.arguments += called.arguments ?? "";
  }

  #spoke(now) {
    this.#first ??= now;
    this.#last = now;
  }

  textOf(kind) {
    return this.segments.filter((segment) => segment.kind === kind).map((s) => s.text).join("");
  }

  /** Whether there is anything to keep. A call that was cut off is nothing. */
  get isEmpty() {
    return this.segments.length === 0 && this.wholeCalls.length === 0;
  }

  get wholeCalls() {
    return this.calls.filter((call) => isJson(call.arguments));
  }

  /** As the next request tells it to the model. */
  get message() {
    const calls = this.wholeCalls;
    const message = { role: "assistant", content: this.textOf("content") || (calls.length ? null : "") };
    const reasoning = this.textOf("reasoning");
    if (reasoning) message.reasoning = reasoning;
    if (calls.length) message.tool_calls = calls.map(asToolCall);
    return message;
  }

  /** Milliseconds until the first token; null before it came. */
  get firstMs() {
    return this.#first === null ? null : this.#first - this.#begun;
  }

  /** Milliseconds until the newest. */
  get lastMs() {
    return this.#last === null ? null : this.#last - this.#begun;
  }

  get numTokens() {
    return this.usage?.completion_tokens ?? null;
  }

  /** Tokens per second after the first; null where there is nothing to measure. */
  get perSecond() {
    const passed = this.#last - this.#first;
    return this.numTokens > 1 && passed > 0 ? ((this.numTokens - 1) * 1000) / passed : null;
  }
}

function asToolCall({ id, name, arguments: given }) {
  return { id, type: "function", function: { name, arguments: given } };
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
