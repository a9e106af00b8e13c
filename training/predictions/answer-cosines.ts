/** How near answers in words come to their references: the cosine of their vectors under the bundle's embedder. */
import { textCosine } from '../../shared/evaluation/text-cosine.js';
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
    cosines.set(answerId(answer), await textCosine(embedder, answer.answer, reference));
  }
  return cosines;
}
