/** What the parts work on: the real questions, longer ones made of them, Zipf words, and a larger knowledge base. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPackageInfo } from '../shared/package-info.js';
import { parseQuestionFile } from '../shared/question/question-file.js';
import { seededRandom } from '../shared/random.js';
import type { Chunk } from '../shared/retrieval/chunk.js';
import { splitSentences } from '../shared/text/sentences.js';
import type { Terms } from '../shared/text/tokenize.js';

/** A folder or file of the package, absolute. */
export function packagePath(path: string): string {
  return join(readPackageInfo().root, path);
}

/** The questions of a file under data/questions, in its order. */
export async function readQuestions(name: 'test.csv' | 'dev_mc.csv'): Promise<string[]> {
  const bytes = await readFile(packagePath(`data/questions/${name}`));
  const { rows } = await parseQuestionFile(bytes, { maxRows: 100_000 });
  return rows.map(({ question }) => question);
}

/** Questions for warming up, none of which is among those measured. */
export function readWarmUpQuestions(): Promise<string[]> {
  return readQuestions('dev_mc.csv');
}

/** Multiple-choice questions of about `length` characters: stems of several questions, then the choices of one. */
export function longQuestions(
  questions: readonly string[],
  count: number,
  length: number,
  seed: number,
): string[] {
  const random = seededRandom(seed);
  const pick = () => questions[Math.floor(random() * questions.length)] as string;
  return Array.from({ length: count }, () => {
    const last = pick();
    const stems: string[] = [];
    for (let total = last.length; total < length; ) {
      const stem = pick().replaceAll('\n', ' ');
      stems.push(stem);
      total += stem.length + 1;
    }
    return [...stems, last].join(' ').slice(-length);
  });
}

/** Documents of Zipf-distributed words: P(rank) ∝ 1 / rank over `vocabulary` words. */
export function zipfTerms(count: number, length: number, seed: number, vocabulary = 50_000): Terms[] {
  const random = seededRandom(seed);
  const word = () => `w${Math.floor(Math.exp(random() * Math.log(vocabulary)))}`;
  return Array.from({ length: count }, () => ({ morphemes: Array.from({ length }, word), bigrams: [] }));
}

/**
 * `count` chunks: the given ones, then recombinations of them. A synthetic chunk stands in the place of a real one
 * (title, section, kind) and has as many sentences, each drawn from the sentences of the same document, so that
 * lengths, term frequencies and what occurs together stay as they are in real text.
 */
export function recombineChunks(chunks: readonly Chunk[], count: number, seed: number): Chunk[] {
  const random = seededRandom(seed);
  const sentencesOf = chunks.map(({ content }) => splitSentences(content));
  const bySource = new Map<string, string[]>();
  for (const [row, { source }] of chunks.entries()) {
    const pool = bySource.get(source) ?? [];
    for (const sentence of sentencesOf[row] as string[]) if (sentence.trim() !== '') pool.push(sentence);
    bySource.set(source, pool);
  }
  const made = chunks.slice(0, count);
  while (made.length < count) {
    const row = Math.floor(random() * chunks.length);
    const model = chunks[row] as Chunk;
    const pool = bySource.get(model.source) as string[];
    const parts = (sentencesOf[row] as string[]).map(
      () => pool[Math.floor(random() * pool.length)] as string,
    );
    made.push({
      ...model,
      chunkId: `${model.chunkId}~${made.length}`,
      content: parts.join('').trim() || model.content,
    });
  }
  return made;
}
