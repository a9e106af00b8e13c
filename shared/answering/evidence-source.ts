/**
 * Passages as sets of terms and vectors of their windows, kept for the rows in use, so that a question costs no
 * repeated tokenisation and embedding.
 */
import { LRUCache } from 'lru-cache';
import type { Chunk } from '../retrieval/chunk.js';
import type { Embedder } from '../retrieval/embedder.js';
import { passageWindows } from '../retrieval/passage-windows.js';
import { compactText } from '../text/longest-run.js';
import { splitSentences } from '../text/sentences.js';
import type { Tokenizer } from '../text/tokenize.js';
import type { EvidencePassage, TermText } from './evidence-features.js';

const maxKept = 4_000;
/** Shorter stretches are numbers and marks. */
const minUnitLength = 6;

export class EvidenceSource {
  readonly #passages = new LRUCache<number, EvidencePassage>({ max: maxKept });
  readonly #windows = new LRUCache<number, Float32Array>({ max: maxKept });
  readonly #chunks: readonly Chunk[];
  readonly #tokenizer: Tokenizer;
  readonly #embedder: Embedder;

  constructor(chunks: readonly Chunk[], tokenizer: Tokenizer, embedder: Embedder) {
    this.#chunks = chunks;
    this.#tokenizer = tokenizer;
    this.#embedder = embedder;
  }

  passage(row: number): EvidencePassage {
    const kept = this.#passages.get(row);
    if (kept) return kept;
    const { title, section, heading, content } = this.#chunks[row] as Chunk;
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
    const passage: EvidencePassage = {
      title,
      section,
      text: content,
      compact: compactText(content),
      morphemes,
      bigrams,
      units,
    };
    this.#passages.set(row, passage);
    return passage;
  }

  /** Unit vectors of the windows of some passages, one after the other. [windows · dimension] */
  async windows(rows: readonly number[]): Promise<Float32Array> {
    const missing = rows.filter((row) => !this.#windows.has(row));
    if (missing.length > 0) {
      const texts = missing.map((row) => passageWindows(this.#chunks[row] as Chunk));
      const vectors = await this.#embedder.embed(texts.flat(), 'passage');
      let at = 0;
      for (const [index, row] of missing.entries()) {
        const length = (texts[index] as string[]).length * this.#embedder.dimension;
        this.#windows.set(row, vectors.slice(at, at + length));
        at += length;
      }
    }
    const parts = rows.map((row) => this.#windows.get(row) ?? new Float32Array(0));
    const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  #termText(text: string): TermText {
    const { morphemes, bigrams } = this.#tokenizer.tokenize(text);
    return { text, morphemes: new Set(morphemes), bigrams: new Set(bigrams) };
  }
}
