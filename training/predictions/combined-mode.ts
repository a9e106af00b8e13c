/**
 * The model that combines evidence and student: what both say of the choices of questions that neither was trained
 * on, as lines of a journal, and the choice model that is fitted to it.
 *
 * It is fitted on authored questions where the configuration names some, else on the calibration questions: composed
 * questions quote their texts, and weights fitted to them trust wording more than real questions bear. What is
 * reported is its accuracy on the calibration questions, beside which the other modes are measured; cross-validated
 * where it was fitted on them.
 */
import Type, { type Static } from 'typebox';
import { type ChoiceModel, utilities } from '../../shared/answering/choice-model.js';
import { combinedFeatureNames, combinedRows } from '../../shared/answering/combined-choice-scorer.js';
import { wantedPassages } from '../../shared/answering/wanted-passages.js';
import type { LoadedParts } from '../../shared/bundle/load-runtime.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { rateOf } from '../../shared/evaluation/wilson-interval.js';
import { messageOf } from '../../shared/errors.js';
import type { Progress } from '../../shared/progress.js';
import { classify } from '../../shared/question/classify.js';
import { fitCalibratedModel } from '../evidence/fit-calibrated-model.js';
import type { Journal } from '../formats/json-lines.js';
import type { ModeResult } from './answering-modes.js';

export const CombinedExample = Type.Object(
  {
    id: Type.String(),
    rows: Type.Array(Type.Array(Type.Number()), {
      description: '[choices · combinedFeatureNames]; empty: none',
    }),
    key: Type.Integer({ minimum: -1 }),
    negated: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type CombinedExample = Static<typeof CombinedExample>;
export const combinedExampleId = ({ id }: Pick<CombinedExample, 'id'>): string => id;

/** It has dozens of weights. */
const fewest = 50;

export interface CombineOptions {
  /** Accuracy is reported on these. */
  calibration: readonly MeasuredQuestion[];
  /** Fitted on these, if any. */
  authored: readonly MeasuredQuestion[];
  evidencePassages: number;
  journal: Journal<typeof CombinedExample>;
  progress: Progress;
  signal: AbortSignal;
  log: (line: string) => void;
}

/** Null where there are too few questions. */
export async function combineModes(
  parts: Pick<LoadedParts, 'retriever' | 'scorer' | 'studentScorer'>,
  options: CombineOptions,
): Promise<{ result: ModeResult; model: ChoiceModel } | null> {
  const { calibration, authored, journal, progress, signal, log } = options;
  const examples: CombinedExample[] = [];
  for (const question of [...calibration, ...authored]) {
    signal.throwIfAborted();
    let example: CombinedExample | undefined = journal.get(question.id);
    if (!example) {
      example = await exampleOf(parts, question, options);
      await journal.append(example);
    }
    examples.push(example);
    progress.tick('combined');
  }
  const isUsable = ({ key }: CombinedExample): boolean => key >= 0;
  const composed = examples.slice(0, calibration.length).filter(isUsable);
  const written = examples.slice(calibration.length).filter(isUsable);
  const fitted = written.length >= fewest ? written : composed;
  if (fitted.length < fewest) {
    log(`combined: not fitted, ${fitted.length} questions are too few for it (${fewest} are needed)`);
    return null;
  }
  const { model, held } = fitCalibratedModel(fitted, {
    features: combinedFeatureNames,
    description: `Conditional logit of evidence and student on ${fitted.length} questions; made by: haetae train run`,
    log: (line) => log(`combined: ${line}`),
  });
  const said =
    fitted === composed ? held : composed.map(({ rows, negated }) => utilities(model, rows, negated));
  const right = composed.filter(({ key }, i) => indexOfLargest(said[i] as number[]) === key).length;
  const rate = rateOf(right, calibration.length);
  return { result: { name: 'combined', ...rate, temperature: model.temperature, calibration: null }, model };
}

async function exampleOf(
  { retriever, scorer, studentScorer }: Pick<LoadedParts, 'retriever' | 'scorer' | 'studentScorer'>,
  { id, text, answer }: MeasuredQuestion,
  { evidencePassages, signal, log }: CombineOptions,
): Promise<CombinedExample> {
  const classification = classify(text);
  const { negated, choices } = classification;
  const key = choices.findIndex(({ number }) => String(number) === answer);
  if (key < 0 || !studentScorer) return { id, rows: [], key: -1, negated };
  const { passages } = await retriever.retrieve(
    text,
    wantedPassages(classification, evidencePassages),
    signal,
  );
  const context = { classification, passages, signal };
  const { features } = await scorer.evidence(context);
  try {
    const said = await studentScorer('verify').utilities(context);
    return { id, rows: combinedRows(features, said), key, negated };
  } catch (error) {
    signal.throwIfAborted();
    log(`combined: the student has nothing to say of ${id}: ${messageOf(error)}`);
    return { id, rows: [], key: -1, negated };
  }
}

function indexOfLargest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}
