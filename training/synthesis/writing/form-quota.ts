/** How many questions of each form a split has, and which forms it has enough of. */
import { type Split, splits } from '../../formats/qa-pair.js';
import type { WantedQuestion } from '../question-teacher.js';
import type { SplitWanted } from './question-deck.js';

export class FormQuota {
  readonly #most = new Map<Split, number>();
  readonly #counts = new Map<Split, Map<string, number>>();

  /** @param share most that one form may make up of a split, 0..1; 1: nothing is avoided */
  constructor(wanted: readonly SplitWanted[], share: number) {
    if (share >= 1) return;
    for (const split of splits) {
      const count = wanted.filter((item) => item.split === split).length;
      this.#most.set(split, Math.max(1, Math.round(share * count)));
    }
  }

  count(split: Split, form: string): void {
    const counts = this.#counts.get(split) ?? new Map<string, number>();
    this.#counts.set(split, counts.set(form, (counts.get(form) ?? 0) + 1));
  }

  /** What is wanted, but in none of the forms of which there are enough. */
  narrowed({ split, wanted }: SplitWanted): WantedQuestion {
    const most = this.#most.get(split) ?? Number.POSITIVE_INFINITY;
    const avoid = [...(this.#counts.get(split) ?? [])].flatMap(([form, count]) =>
      count >= most ? [form] : [],
    );
    return avoid.length === 0 ? widened(wanted) : { ...wanted, avoid: avoid.sort() };
  }
}

/** In any form. */
export function widened({ avoid: _enough, ...wanted }: WantedQuestion): WantedQuestion {
  return wanted;
}
