/**
 * Scores choices by evidence and student together: one conditional logit (`choice-model.ts`) over the evidence
 * features and what the student says of each choice in its mode `verify`:
 *
 *   verdict     log (P(O) / P(X)) of the choice as a true statement of what the stem asks about
 *   statement   mean log-probability of its words behind passages and stem
 *
 * Both are of the positive form of a stem, as the evidence is; the model has other weights for negated stems. It is
 * fitted, with its temperature, on questions of the splits that are held out of training, so that its probabilities
 * say how often it is right.
 */
import { type ChoiceModel, softmax, utilities } from './choice-model.js';
import type { AnsweringContext, ChoiceScorer, ChoiceScores } from './choice-scorer.js';
import { type FeatureVector, featureNames } from './evidence-features.js';
import type { EvidenceScorer } from './evidence-scorer.js';
import type { StudentChoiceScorer, Utilities } from './student-choice-scorer.js';

export const studentFeatureNames = ['verdict', 'statement'] as const;
export const combinedFeatureNames = [...featureNames, ...studentFeatureNames] as const;

export interface CombinedChoiceScorerParts {
  evidence: Pick<EvidenceScorer, 'evidence'>;
  /** In mode `verify`. */
  student: Pick<StudentChoiceScorer, 'utilities'>;
  /** Of `combinedFeatureNames`. */
  model: ChoiceModel;
}

/** Odds beyond this say no more, nats. */
const largestVerdict = 8;

export class CombinedChoiceScorer implements ChoiceScorer {
  readonly #parts: CombinedChoiceScorerParts;

  constructor(parts: CombinedChoiceScorerParts) {
    this.#parts = parts;
  }

  async score(context: AnsweringContext): Promise<ChoiceScores> {
    const { evidence, student, model } = this.#parts;
    const { choices, negated } = context.classification;
    const { features, support, cite } = await evidence.evidence(context);
    const said = await student.utilities(context);
    const values = utilities(model, combinedRows(features, said), negated);
    const probabilities = softmax(values, model.temperature);
    return {
      choices: choices.map(({ number, text }, index) => ({
        number,
        text,
        probability: probabilities[index] as number,
        support: support[index] as number,
      })),
      supports: cite(probabilities.indexOf(Math.max(...probabilities))),
      usage: said.usage,
    };
  }
}

/** Features of the choices [choices · combinedFeatureNames]; of another mode than `verify` the student's are 0. */
export function combinedRows(
  features: readonly FeatureVector[],
  { statements }: Pick<Utilities, 'statements'>,
): number[][] {
  return features.map((feature, index) => {
    const { verdict = 0, logprob = 0 } = statements?.[index] ?? {};
    return [
      ...featureNames.map((name) => feature[name]),
      Math.max(-largestVerdict, Math.min(largestVerdict, verdict)),
      logprob,
    ];
  });
}
