/**
 * The text of an open answer as events: what is heard after the last `discard` adds up to the answer.
 */
import type { AnswerEvent } from './answer.js';

export class TextEvents {
  readonly #emit: (event: AnswerEvent) => void;
  #heard = '';
  /** Counts the writers; only the newest is heard. */
  #writer = 0;

  constructor(emit: (event: AnswerEvent) => void) {
    this.#emit = emit;
  }

  /** Where a new writer's pieces go; one that was stopped, and has not noticed, is not heard any more. */
  open(): (piece: string) => void {
    const own = ++this.#writer;
    return (piece) => {
      if (own !== this.#writer || piece === '') return;
      this.#heard += piece;
      this.#emit({ type: 'token', text: piece });
    };
  }

  /** What was heard does not stand. */
  discard(reason: string): void {
    this.#writer += 1;
    if (this.#heard === '') return;
    this.#heard = '';
    this.#emit({ type: 'discard', reason });
  }

  /** The text that stands. */
  settle(text: string): void {
    if (this.#heard === text) {
      this.#writer += 1;
      return;
    }
    this.discard('the text was written anew');
    this.open()(text);
    this.#writer += 1;
  }
}
