/**
 * What is wanted of each question of a split: as many open ones, negated stems, five choices and right choices at each
 * position as their shares say, to the question, in seeded order.
 */
import { seededRandom } from '../../../shared/random.js';
import { type Split, splits } from '../../formats/qa-pair.js';
import type { WantedQuestion } from '../question-teacher.js';

export interface DeckShares {
  /** Of all. */
  open: number;
  /** Of the multiple choice. */
  negated: number;
  /** Of the multiple choice. */
  fiveChoice: number;
}

/** Where a split is this small, its share of the questions is raised to it, but to no more than a quarter of all. */
const enoughToMeasure = 20;

export function questionsOfSplits(
  questions: number,
  shares: { calibration: number; validation: number },
): Record<Split, number> {
  const least = Math.min(enoughToMeasure, Math.floor(questions / 4));
  const of = (share: number) => (share > 0 ? Math.max(Math.round(questions * share), least) : 0);
  const validation = Math.min(of(shares.validation), questions);
  const calibration = Math.min(of(shares.calibration), questions - validation);
  return { train: questions - validation - calibration, calibration, validation };
}

export function questionDeck(count: number, shares: DeckShares, seed: number): WantedQuestion[] {
  const random = seededRandom(seed);
  const open = Math.round(count * shares.open);
  const deck: WantedQuestion[] = Array.from({ length: open }, () => ({
    open: true,
    negated: false,
    choices: 4,
    position: 1,
  }));
  const multipleChoice = count - open;
  const five = Math.round(multipleChoice * shares.fiveChoice);
  const negated = Math.round(multipleChoice * shares.negated);
  const negatedFive = Math.round(five * shares.negated);
  for (const [choices, size, negatedSize] of [
    [5, five, negatedFive],
    [4, multipleChoice - five, negated - negatedFive],
  ] as const) {
    const first = Math.floor(random() * choices);
    for (let i = 0; i < size; i++) {
      deck.push({ open: false, negated: i < negatedSize, choices, position: ((first + i) % choices) + 1 });
    }
  }
  return shuffled(deck, random);
}

/** What the splits want, the smaller ones spread evenly among the larger. */
export function interleaved(decks: Record<Split, readonly WantedQuestion[]>): SplitWanted[] {
  return splits
    .flatMap((split) =>
      decks[split].map((wanted, i) => ({ split, wanted, at: (i + 0.5) / decks[split].length })),
    )
    .sort((a, b) => a.at - b.at || splits.indexOf(a.split) - splits.indexOf(b.split))
    .map(({ split, wanted }) => ({ split, wanted }));
}

export interface SplitWanted {
  split: Split;
  wanted: WantedQuestion;
}

/** Fisher–Yates over a copy. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}
