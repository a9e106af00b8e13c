/** Passages as sets of terms, kept for the rows in use, so that a question costs no repeated tokenisation. */
import { LRUCache } from 'lru-cache';
import type { Chunk } from '../retrieval/chunk.js';
import { splitSentences } from '../text/sentences.js';
import type { Tokenizer } from '../text/tokenize.js';
import type { TermText } from './evidence-features.js';

export interface EvidenceText extends TermText {
  units: readonly TermText[];
}

const maxKept = 4_000;
/** Shorter stretches are numbers and marks. */
const minUnitLength = 6;

export class EvidenceSource {
  readonly #kept = new LRUCache<number, EvidenceText>({ max: maxKept });
  readonly #chunks: readonly Chunk[];
  readonly #tokenizer: Tokenizer;

  constructor(chunks: readonly Chunk[], tokenizer: Tokenizer) {
    this.#chunks = chunks;
    this.#tokenizer = tokenizer;
  }

  at(row: number): EvidenceText {
    const kept = this.#kept.get(row);
    if (kept) return kept;
    const { title, heading, content } = this.#chunks[row] as Chunk;
    const units = splitSentences(content)
      .map((sentence) => sentence.trim())
      .filter((sentence) => sentence.length >= minUnitLength)
      .map((sentence) => this.#termText(sentence));
    const morphemes = new Set(this.#tokenizer.tokenize(`${title} ${heading}`).morphemes);
    const bigrams = new Set<string>();
    for (const unit of units) {
      for (const term of unit.morphemes) morphemes.add(term);
      for (const bigram of unit.bigrams) bigrams.add(bigram);
    }
    const text: EvidenceText = { text: content, morphemes, bigrams, units };
    this.#kept.set(row, text);
    return text;
  }

  #termText(text: string): TermText {
    const { morphemes, bigrams } = this.#tokenizer.tokenize(text);
    return { text, morphemes: new Set(morphemes), bigrams: new Set(bigrams) };
  }
}
