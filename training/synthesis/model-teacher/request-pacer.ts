/**
 * When a request may be sent: within any 60 seconds no more requests and tokens than are allowed, and none while the
 * server has asked for a pause.
 *
 * A window of 60 seconds slides over what was sent, which is stricter than a bucket: that one lets a full bucket and a
 * minute's refill through within one minute. Tokens are taken before they are known, at what the request can cost at
 * most, and set right when it has come back.
 */
import type { Clock } from '../../../shared/clock.js';
import { HaetaeError } from '../../../shared/errors.js';
import { WaitingLine } from './waiting-line.js';

const windowMs = 60_000;

export interface PaceLimits {
  requestsPerMinute?: number | undefined;
  tokensPerMinute?: number | undefined;
}

export interface Admission {
  /** What it really was. */
  settle(tokens: number): void;
}

export class RequestPacer {
  readonly #requests: number;
  readonly #tokens: number;
  readonly #clock: Clock;
  readonly #line: WaitingLine<Admission>;
  #sent: { at: number; tokens: number }[] = [];
  #pausedUntil = Number.NEGATIVE_INFINITY;
  #cancelTimer: () => void = () => {};

  constructor({ requestsPerMinute, tokensPerMinute }: PaceLimits, clock: Clock) {
    this.#requests = requestsPerMinute ?? Number.POSITIVE_INFINITY;
    this.#tokens = tokensPerMinute ?? Number.POSITIVE_INFINITY;
    this.#clock = clock;
    this.#line = new WaitingLine(() => this.#serve());
  }

  /**
   * Resolves when the request may be sent, at once.
   * @throws HaetaeError CONFIG_INVALID where it alone is more than a minute's tokens. The signal's reason.
   */
  async admit(tokens: number, signal: AbortSignal): Promise<Admission> {
    if (tokens > this.#tokens) {
      throw new HaetaeError(
        'CONFIG_INVALID',
        `A request to the teacher may take ${tokens} tokens, and tokensPerMinute allows ${this.#tokens}. Raise it.`,
        { tokens, tokensPerMinute: this.#tokens },
      );
    }
    const admission = this.#line.join(tokens, signal);
    this.#serve();
    return admission;
  }

  /** Sends nothing for so long. */
  pause(ms: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, this.#clock.now() + ms);
    this.#serve();
  }

  #serve(): void {
    this.#cancelTimer();
    for (;;) {
      const tokens = this.#line.firstAmount;
      if (tokens === undefined) return;
      const now = this.#clock.now();
      const waitMs = this.#earliest(tokens, now) - now;
      if (waitMs > 0) {
        this.#cancelTimer = this.#clock.after(waitMs, () => this.#serve());
        return;
      }
      const entry = { at: now, tokens };
      this.#sent.push(entry);
      this.#line.serveFirst({
        settle: (actual) => {
          entry.tokens = actual;
          this.#serve();
        },
      });
    }
  }

  /** The time from which the request fits into the window. */
  #earliest(tokens: number, now: number): number {
    this.#sent = this.#sent.filter(({ at }) => at + windowMs > now);
    let earliest = this.#pausedUntil;
    let requestsLeft = this.#requests - 1;
    let tokensLeft = this.#tokens - tokens;
    for (const sent of this.#sent.toReversed()) {
      requestsLeft -= 1;
      tokensLeft -= sent.tokens;
      // It and all before it must have left the window.
      if (requestsLeft < 0 || tokensLeft < 0) return Math.max(earliest, sent.at + windowMs);
    }
    earliest = Math.max(earliest, now);
    return earliest;
  }
}
