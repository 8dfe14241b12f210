// The models that can be asked, from /v1/models. Knows a list and where it is shown.

import { byId, make, say } from "./dom.js";
import { whole } from "./figures.js";

export class Models {
  #api;
  #state = "new";

  constructor(api) {
    this.#api = api;
  }

  /** Reads the list once. Without a key it does not ask a second time, until there is another: `unlock`. */
  async load() {
    if (this.#state !== "new") return;
    this.#state = "loading";
    try {
      this.#show((await this.#api.get("v1/models")).data);
      this.#state = "loaded";
    } catch (error) {
      this.#state = error.status === 401 ? "locked" : "new";
    }
  }

  unlock() {
    if (this.#state === "locked") this.#state = "new";
  }

  #show(models) {
    byId("model").replaceChildren(...models.map(({ id }) => make("option", { textContent: id })));
    const [{ id, max_model_len: length }] = models;
    say(byId("model-facts"), `${id}, ${whole(length)} tokens of context`);
  }
}
