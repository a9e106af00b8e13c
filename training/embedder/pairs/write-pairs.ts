/**
 * The data of the embedder's runs: `pairs.jsonl` of the chunks, with hard negatives, and `texts.jsonl` of further
 * statutes, without. Nothing is written of families that are held out, nor of what is like a measured question.
 */
import { join } from 'node:path';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import type { KeywordIndex } from '../../../shared/retrieval/keyword-index.js';
import type { Tokenizer } from '../../../shared/text/tokenize.js';
import { readTrainingDocuments } from '../../data/read-training-documents.js';
import { writeJsonLines } from '../../formats/json-lines.js';
import type { Decontamination } from '../../synthesis/decontamination/decontamination.js';
import { randomFor } from '../../synthesis/statute-teacher/choosing.js';
import { articlePairs, countHeadings } from './article-pairs.js';
import { citationPairs } from './citation-pairs.js';
import { HardNegatives } from './hard-negatives.js';
import type { PairText } from './pair-text.js';
import { questionPairs } from './question-pairs.js';
import { familyOf, isPaired, type PairKind, type RetrievalPair } from './retrieval-pair.js';
import { articlesOf } from './statute-text.js';

export interface PairContext {
  folder: string;
  seed: number;
  isHeldOut: (family: string) => boolean;
  decontamination: Pick<Decontamination, 'likest'>;
  /** Likeness to a measured question from which on a query is left out. */
  jaccard: number;
  signal: AbortSignal;
}

export interface ChunkPairOptions {
  chunks: readonly Chunk[];
  keywords: Pick<KeywordIndex, 'searchWeighted'>;
  tokenizer: Pick<Tokenizer, 'tokenize'>;
  /** Of a chunk, for pairs of its own words. */
  sentences: number;
  /** Of a chunk, by the statute teacher. */
  questions: number;
  /** Of a pair. */
  negatives: number;
}

export interface WrittenPairs {
  path: string;
  pairs: number;
  byKind: Partial<Record<PairKind, number>>;
  /** Left out: like a measured question; without enough hard negatives. */
  contaminated: number;
  withoutNegatives: number;
}

export async function writeChunkPairs(
  { chunks, keywords, tokenizer, sentences, questions, negatives }: ChunkPairOptions,
  context: PairContext,
): Promise<WrittenPairs> {
  const { seed, isHeldOut, signal, folder } = context;
  const isAllowed = ({ title }: Chunk) => !isHeldOut(familyOf(title));
  const used = chunks.filter((chunk) => isPaired(chunk) && isAllowed(chunk));
  const headings = countHeadings(used);
  const all = [
    ...used.flatMap((chunk) => articlePairs(chunk, { seed, sentences, cloze: true, headings })),
    ...citationPairs(used.filter(({ kind }) => kind === 'article')),
    ...(await questionPairs(used, { seed, perChunk: questions, signal })),
  ];
  const clean = uncontaminated(all, context);
  const searched = { chunks, keywords, tokenizer, isAllowed, seed, count: negatives };
  const hard = negatives > 0 ? new HardNegatives(searched) : null;
  const pairs = clean.flatMap((pair) => {
    signal.throwIfAborted();
    return hard ? (hard.of(pair) ?? []) : pair;
  });
  const path = join(folder, 'pairs.jsonl');
  return written(path, pairs, all.length - clean.length, clean.length - pairs.length);
}

/**
 * Pairs of statutes in plain text, blocks between empty lines. Of families that the chunks hold none are made: they
 * are there already, or held out. None are of kind `cloze`: of so many, they blur the vectors of words.
 * @param share of the articles that are taken
 */
export async function writeTextPairs(
  paths: readonly string[],
  share: number,
  chunks: readonly Chunk[],
  context: PairContext,
): Promise<WrittenPairs> {
  const { seed, folder, signal } = context;
  const known = new Set(chunks.map(({ title }) => familyOf(title)));
  const articles: PairText[] = [];
  for await (const { documentId, text } of readTrainingDocuments(paths, {
    kind: 'text',
    textDocuments: 'block',
  })) {
    signal.throwIfAborted();
    if (known.has(familyOf(documentId))) continue;
    for (const article of articlesOf(text)) {
      if (randomFor('texts', seed, article.title, article.section)() < share) articles.push(article);
    }
  }
  const headings = countHeadings(articles);
  const all = articles.flatMap((article) =>
    articlePairs(article, { seed, sentences: 1, cloze: false, headings }),
  );
  const pairs = uncontaminated(all, context);
  return written(join(folder, 'texts.jsonl'), pairs, all.length - pairs.length, 0);
}

function uncontaminated(
  pairs: readonly RetrievalPair[],
  { decontamination, jaccard, signal }: PairContext,
): RetrievalPair[] {
  return pairs.filter(({ query }) => {
    signal.throwIfAborted();
    return (decontamination.likest([[query]])?.likeness ?? 0) < jaccard;
  });
}

async function written(
  path: string,
  pairs: readonly RetrievalPair[],
  contaminated: number,
  withoutNegatives: number,
): Promise<WrittenPairs> {
  await writeJsonLines(path, pairs);
  const byKind: WrittenPairs['byKind'] = {};
  for (const { kind } of pairs) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return { path, pairs: pairs.length, byKind, contaminated, withoutNegatives };
}
