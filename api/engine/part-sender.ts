/**
 * Sends the parts of one reply as they come, and never more than one message ahead of the channel: what comes
 * while a message is still on its way waits, and goes with the next one. So a slow reader of the channel costs
 * fewer, larger messages instead of a growing queue of small ones.
 */
export class PartSender<P> {
  readonly #send: (parts: P[], sent: () => void) => void;
  #waiting: P[] = [];
  #onItsWay = false;

  /** `send` calls `sent` once the channel has taken the message. */
  constructor(send: (parts: P[], sent: () => void) => void) {
    this.#send = send;
  }

  push(part: P): void {
    this.#waiting.push(part);
    if (!this.#onItsWay) this.flush();
  }

  /** Hands over what waits, whether or not the channel is free: before the reply's end. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const parts = this.#waiting;
    this.#waiting = [];
    this.#onItsWay = true;
    this.#send(parts, () => {
      this.#onItsWay = false;
      this.flush();
    });
  }
}
