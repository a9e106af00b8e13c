/**
 * Figures of answers in words, each beside two answers that need no skill: the question repeated, and the best passage
 * cut to the length of the answer.
 *
 *   keyword recall     share of the words of the column `Keyword` that the answer holds (DESIGN §3); where no question
 *                      has any, the reference recall stands in for it, and `keywordSource` says so
 *   reference recall   share of the content words of the reference that are among those of the answer
 *   cosine             of answer and reference, under the bundle's embedder
 */
import { isCopy, isEmptyAnswer, isRefusal } from '../../shared/evaluation/open-answer-faults.js';
import { keywordRecall } from '../../shared/evaluation/keyword-recall.js';
import { mean } from '../../shared/evaluation/mean.js';
import { textCosine } from '../../shared/evaluation/text-cosine.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import type { Embedder } from '../../shared/retrieval/embedder.js';
import type { Tokenizer } from '../../shared/text/tokenize.js';
import type { Answered } from './ask-questions.js';

export interface OpenScores {
  keywordRecall: number;
  referenceRecall: number;
  cosine: number;
}

export interface OpenFigures extends OpenScores {
  questions: number;
  /** `column`: questions with keywords of their own alone are counted in `keywordRecall`. */
  keywordSource: 'column' | 'reference';
  keywordQuestions: number;
  trivial: { question: OpenScores; passage: OpenScores };
  /** Shares of the answers. */
  faults: { empty: number; copied: number; refused: number };
}

export interface OpenFigureParts {
  chunks: readonly Chunk[];
  embedder: Pick<Embedder, 'embed' | 'dimension'>;
  /** Called where there is something to tokenise. */
  createTokenizer: () => Promise<Tokenizer>;
}

interface Texts {
  keywords: readonly string[] | null;
  reference: string;
  candidate: string;
}

/** Null where there is no such question. */
export async function openFigures(
  answered: readonly Answered[],
  { chunks, embedder, createTokenizer }: OpenFigureParts,
): Promise<OpenFigures | null> {
  const open = answered.filter(({ question }) => question.isOpen);
  if (open.length === 0) return null;
  const tokenizer = await createTokenizer();
  const contentOf = new Map(chunks.map(({ chunkId, content }) => [chunkId, content]));
  const passagesOf = ({ prediction }: Answered): string[] =>
    prediction.passages.flatMap((id) => contentOf.get(id) ?? []);
  const keywordQuestions = open.filter(({ question }) => question.keywords !== null).length;
  const scores = async (candidateOf: (each: Answered) => string): Promise<OpenScores> => {
    const texts = open.map((each) => ({
      ...{ keywords: each.question.keywords, reference: each.question.answer },
      candidate: candidateOf(each),
    }));
    const referenceRecall = mean(texts.map((each) => referenceRecallOf(each, tokenizer)));
    let cosine = 0;
    for (const { candidate, reference } of texts) cosine += await textCosine(embedder, candidate, reference);
    return {
      keywordRecall: keywordQuestions > 0 ? meanKeywordRecall(texts) : referenceRecall,
      ...{ referenceRecall, cosine: cosine / texts.length },
    };
  };
  const share = (holds: (each: Answered) => boolean): number => mean(open.map((each) => Number(holds(each))));
  return {
    questions: open.length,
    ...(await scores(({ prediction }) => prediction.answer)),
    keywordSource: keywordQuestions > 0 ? 'column' : 'reference',
    keywordQuestions: keywordQuestions > 0 ? keywordQuestions : open.length,
    trivial: {
      question: await scores(({ question }) => question.text),
      passage: await scores((each) => cut(passagesOf(each)[0] ?? '', each.prediction.answer.length)),
    },
    faults: {
      empty: share(({ prediction }) => isEmptyAnswer(prediction.answer)),
      copied: share((each) => isCopy(each.prediction.answer, passagesOf(each))),
      refused: share(({ prediction }) => isRefusal(prediction.answer)),
    },
  };
}

function meanKeywordRecall(texts: readonly Texts[]): number {
  return mean(
    texts.flatMap(({ keywords, candidate }) =>
      keywords === null ? [] : [keywordRecall(keywords, candidate)],
    ),
  );
}

/** 0..1; 0 where the reference has no content words. */
function referenceRecallOf({ reference, candidate }: Texts, tokenizer: Tokenizer): number {
  const wanted = new Set(tokenizer.tokenize(reference).morphemes);
  const held = new Set(tokenizer.tokenize(candidate).morphemes);
  return [...wanted].filter((term) => held.has(term)).length / Math.max(1, wanted.size);
}

/** The first `length` characters (UTF-16), without half of a surrogate pair. */
function cut(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/u, '');
}
