// The playground: a turn of the user's, a request, an answer that streams. Knows how its parts work together.

import { Answer } from "./answer.js";
import { AnswerView } from "./answer_view.js";
import { address } from "./api.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId, say } from "./dom.js";
import { fieldsOf, isReadable } from "./fields.js";
import { figuresOf } from "./figures.js";
import { Follower } from "./follow.js";
import { curl, python } from "./snippets.js";
import { removeFrom, userTurn } from "./turns.js";

const ENDPOINT = "v1/chat/completions";

export class Chat {
  #conversation = new Conversation();
  #turns = byId("turns");
  #welcome = byId("welcome");
  #form = byId("settings");
  #follower = new Follower(byId("scroller"));
  #composer = new Composer({ onSend: (text) => this.send(text), onStop: () => this.#stop?.abort() });
  #stop = null;

  constructor({ api, keys, tip, dialog, showSettings }) {
    this.api = api;
    this.keys = keys;
    this.tip = tip;
    this.dialog = dialog;
    this.showSettings = showSettings;
    byId("new-chat").addEventListener("click", () => this.#restart());
  }

  /** Whether it could be sent: not while an answer comes, nor with settings that cannot be read. */
  send(text) {
    if (this.#stop || !isReadable(this.#form, this.showSettings)) return false;
    const place = this.#conversation.length;
    this.#conversation.say(text);
    const turn = userTurn(text, () => this.#edit(turn, place, text));
    this.#add(turn);
    this.#answer();
    return true;
  }

  #add(turn) {
    this.#welcome.hidden = true;
    this.#turns.append(turn);
    this.#follower.toEnd();
  }

  /** Asks for what comes next in the conversation as it is. */
  async #answer() {
    const fields = fieldsOf(this.#form);
    const body = this.#conversation.request(byId("system").value.trim(), fields);
    const place = this.#conversation.length;
    const view = new AnswerView(fields.model ?? "Model", fields.logprobs ? this.tip : null);
    const answer = new Answer(performance.now());
    this.#add(view.element);
    this.#begin();
    const error = await this.#receive(body, answer, view);
    this.#done();
    view.end(answer, this.#actions(body, answer, view, place));
    if (error) view.fail(error);
    this.#keep(answer, view, error);
    this.#announce(answer, error);
    this.#follower.grew();
  }

  #begin() {
    this.#stop = new AbortController();
    this.#composer.busy(true);
  }

  #done() {
    this.#stop = null;
    this.#composer.busy(false);
  }

  /** The error that ended it; null where it came to its end, or the user did not want more. */
  async #receive(body, answer, view) {
    const streamed = { ...body, stream: true, stream_options: { include_usage: true } };
    const { signal } = this.#stop;
    let frame = 0;
    const draw = () => {
      frame = 0;
      view.show(answer);
      this.#follower.grew();
    };
    try {
      for await (const chunk of this.api.stream(ENDPOINT, streamed, signal)) {
        answer.take(chunk, performance.now());
        view.take(answer);
        frame ||= requestAnimationFrame(draw);
      }
      return null;
    } catch (error) {
      return signal.aborted ? null : error;
    } finally {
      cancelAnimationFrame(frame);
    }
  }

  #keep(answer, view, error) {
    if (answer.isEmpty) return;
    this.#conversation.answer(answer.message);
    const calls = answer.wholeCalls;
    if (!calls.length || error) return;
    view.askForResults(calls, (results) => {
      this.#conversation.results(results);
      this.#answer();
    });
  }

  #actions(body, answer, view, place) {
    const hasKey = Boolean(this.keys.key);
    const shown = [
      ["curl", () => this.dialog.show("As a command", curl(address(ENDPOINT), body, hasKey))],
      ["Python", () => this.dialog.show("As a program", python(address("v1"), body, hasKey), "pip install openai")],
      ["Again", () => this.#again(view, place)],
    ];
    const text = answer.textOf("content");
    const copy = ({ target }) => this.dialog.copy(target, "The answer", text);
    return text ? [["Copy", copy], ...shown] : shown;
  }

  #again(view, place) {
    if (this.#stop || !isReadable(this.#form, this.showSettings)) return;
    removeFrom(view.element);
    this.#conversation.backTo(place);
    this.#answer();
  }

  #edit(turn, place, text) {
    if (this.#stop) return;
    removeFrom(turn);
    this.#conversation.backTo(place);
    this.#composer.write(text);
    this.#welcome.hidden = this.#conversation.length > 0;
  }

  #restart() {
    this.#stop?.abort();
    this.#conversation = new Conversation();
    this.#turns.replaceChildren();
    this.#welcome.hidden = false;
    this.#composer.write("");
  }

  #announce(answer, error) {
    const figures = answer.firstMs === null ? "" : figuresOf(answer, true);
    say(byId("announcer"), error ? "The request failed." : `Answer complete. ${figures}`);
  }
}
