/**
 * Keeps questions that are measured on out of the training data.
 *
 * The likeness of two texts is the larger of the Jaccard likenesses of their character 4-grams and of their word
 * 4-grams (see `grams.ts`). Of a measured question the stem, the stem with its choices and an answer in words are
 * texts; each text of what is checked is compared with all of them.
 *
 * Not covered: a short question inside a long text. Its likeness to the whole is low; check such a text in pieces.
 */
import { GramIndex } from './gram-index.js';
import { characterGrams, wordGrams } from './grams.js';
import { type MeasuredFile, readMeasuredFile } from './measured-questions.js';

export interface Likeness {
  /** 0..1. */
  likeness: number;
  file: string;
  id: string;
}

export class Decontamination {
  readonly files: readonly { path: string; sha256: string; questions: number }[];
  readonly #questions: { file: string; id: string }[] = [];
  readonly #characters = new GramIndex();
  readonly #words = new GramIndex();
  #comparisons = 0;

  constructor(files: readonly MeasuredFile[]) {
    this.files = files.map(({ path, sha256, questions }) => ({ path, sha256, questions: questions.length }));
    for (const { path, questions } of files) {
      for (const { id, texts } of questions) {
        for (const parts of texts) {
          this.#questions.push({ file: path, id });
          this.#characters.add(characterGrams(parts));
          this.#words.add(wordGrams(parts));
        }
      }
    }
  }

  static async open(paths: readonly string[]): Promise<Decontamination> {
    const files: MeasuredFile[] = [];
    for (const path of paths) files.push(await readMeasuredFile(path));
    return new Decontamination(files);
  }

  /** Pairs of texts compared so far. */
  get comparisons(): number {
    return this.#comparisons;
  }

  /** The measured question that one of the texts is most like; null where none shares a 4-gram with any. */
  likest(texts: readonly (readonly string[])[]): Likeness | null {
    let best: Likeness | null = null;
    for (const parts of texts) {
      this.#comparisons += this.#questions.length;
      for (const found of [
        this.#characters.likest(characterGrams(parts)),
        this.#words.likest(wordGrams(parts)),
      ]) {
        if (found === null || found.likeness <= (best?.likeness ?? 0)) continue;
        best = { likeness: found.likeness, ...(this.#questions[found.set] as { file: string; id: string }) };
      }
    }
    return best;
  }
}

/** Of any texts, e.g. prompts, those that are as like a measured question as `threshold` or more, by their index. */
export function contaminated(
  decontamination: Decontamination,
  texts: readonly string[],
  threshold: number,
): (Likeness & { index: number })[] {
  return texts.flatMap((text, index) => {
    const found = decontamination.likest([[text]]);
    return found !== null && found.likeness >= threshold ? [{ ...found, index }] : [];
  });
}
