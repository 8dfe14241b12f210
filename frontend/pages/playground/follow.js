// Keeps the end of a conversation in sight while it grows, unless its reader looks elsewhere.

const NEAR = 48;

export class Follower {
  #scroller;
  #follows = true;

  constructor(scroller) {
    this.#scroller = scroller;
    scroller.addEventListener("scroll", () => (this.#follows = this.#isAtEnd), { passive: true });
  }

  get #isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR;
  }

  /** After something was added. */
  grew() {
    if (this.#follows) this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** The reader did something that belongs at the end. */
  toEnd() {
    this.#follows = true;
    this.grew();
  }
}
