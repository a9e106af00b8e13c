/** How near answers in words come to their references: the cosine of their vectors under the bundle's embedder. */
import type { Embedder } from '../../shared/retrieval/embedder.js';
import { answerId, type BundleAnswer, type QuestionSet } from './bundle-answers.js';

/** By `answerId`; of open questions only. An answer without words is near nothing. */
export async function answerCosines(
  embedder: Pick<Embedder, 'embed' | 'dimension'>,
  sets: readonly QuestionSet[],
  answers: readonly BundleAnswer[],
): Promise<Map<string, number>> {
  const references = new Map(
    sets.flatMap(({ name, questions }) =>
      questions.filter(({ isOpen }) => isOpen).map(({ id, answer }) => [`${name}\n${id}`, answer] as const),
    ),
  );
  const cosines = new Map<string, number>();
  for (const answer of answers) {
    const reference = references.get(`${answer.set}\n${answer.question}`);
    if (reference === undefined) continue;
    const cosine = answer.answer === '' ? 0 : await cosineOf(embedder, answer.answer, reference);
    cosines.set(answerId(answer), cosine);
  }
  return cosines;
}

/** Rows are unit vectors. */
async function cosineOf(
  embedder: Pick<Embedder, 'embed' | 'dimension'>,
  first: string,
  second: string,
): Promise<number> {
  const { dimension } = embedder;
  const vectors = await embedder.embed([first, second]);
  let sum = 0;
  for (let i = 0; i < dimension; i++) sum += (vectors[i] as number) * (vectors[dimension + i] as number);
  return sum;
}
