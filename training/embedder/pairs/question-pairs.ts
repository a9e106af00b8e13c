/**
 * Pairs of the statute teacher's questions and the stretch that answers them. The query is what is searched with when
 * such a question is asked: the stem without the words that only ask, then the choices. The name of the statute is
 * taken out; served, it is looked up and needs no vector.
 */
import { askedText } from '../../../shared/question/asked-text.js';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { articleKey } from '../../evaluation/article-queries.js';
import { randomFor } from '../../synthesis/statute-teacher/choosing.js';
import { statuteTeacher } from '../../synthesis/statute-teacher/statute-teacher.js';
import { shareOfGrams, trigrams } from './likeness.js';
import { stretchesOf, withoutNames } from './pair-text.js';
import { familyOf, isReadable, type RetrievalPair } from './retrieval-pair.js';

export interface QuestionPairOptions {
  seed: number;
  /** Questions of a chunk; each second one is open. */
  perChunk: number;
  signal: AbortSignal;
}

export async function questionPairs(
  chunks: readonly Chunk[],
  { seed, perChunk, signal }: QuestionPairOptions,
): Promise<RetrievalPair[]> {
  const teacher = statuteTeacher(chunks);
  const byId = new Map(chunks.map((chunk) => [chunk.chunkId, chunk]));
  const pairs: RetrievalPair[] = [];
  for (const chunk of chunks) {
    for (let ordinal = 0; ordinal < perChunk; ordinal++) {
      const random = randomFor('question pairs', seed, chunk.chunkId, ordinal);
      const position = 1 + Math.floor(random() * 4);
      const wanted = { open: ordinal % 2 === 1, negated: random() < 0.4, choices: 4, position } as const;
      const request = { chunk, neighbours: [], attempt: 0, ordinal, wanted, seed };
      const draft = await teacher.write(request, signal);
      const source = draft && byId.get(draft.contextChunkIds[0]!);
      if (!draft || !source) continue;
      const positive = answeringStretch(source, draft.explanation ?? draft.answer);
      if (positive === null) continue;
      const asked = askedText(withoutNames(draft.question, chunk.title));
      const query = [asked, ...(draft.choices ?? [])].join('\n');
      if (query.length < fewestCharacters) continue;
      const pair = { kind: 'question' as const, query, positive };
      if (isReadable(pair))
        pairs.push({ ...pair, source: familyOf(chunk.title), article: articleKey(source) });
    }
  }
  return pairs;
}

/** A stem that only names its article asks nothing without it. */
const fewestCharacters = 10;

/** The stretch that says most of it; null where the chunk has none. */
function answeringStretch(chunk: Chunk, said: string): string | null {
  const grams = trigrams(said);
  let best: { passage: string; share: number } | null = null;
  for (const { passage, text } of stretchesOf(chunk)) {
    const share = shareOfGrams(grams, trigrams(text));
    if (best === null || share > best.share) best = { passage, share };
  }
  return best?.passage ?? null;
}
