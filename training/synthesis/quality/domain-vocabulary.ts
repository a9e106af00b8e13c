/** The pairs of letters that are usual in the texts of a domain. */
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { bigrams } from './question-facts.js';

/** Chunks of a domain that are looked at, evenly spread: more of them hardly add to it. */
const sampleSize = 1_500;
/** Chunks that must hold a pair. */
const usual = 2;

export function domainVocabulary(chunks: readonly Chunk[]): (domain: string) => ReadonlySet<string> {
  const known = new Map<string, ReadonlySet<string>>();
  return (domain) => {
    let vocabulary = known.get(domain);
    if (vocabulary === undefined) {
      vocabulary = vocabularyOf(chunks.filter((chunk) => chunk.domain === domain));
      known.set(domain, vocabulary);
    }
    return vocabulary;
  };
}

function vocabularyOf(chunks: readonly Chunk[]): ReadonlySet<string> {
  const step = Math.max(1, Math.ceil(chunks.length / sampleSize));
  const counts = new Map<string, number>();
  for (let i = 0; i < chunks.length; i += step) {
    const { heading, content } = chunks[i] as Chunk;
    for (const pair of bigrams(`${heading}\n${content}`)) counts.set(pair, (counts.get(pair) ?? 0) + 1);
  }
  return new Set([...counts].filter(([, count]) => count >= usual).map(([pair]) => pair));
}
