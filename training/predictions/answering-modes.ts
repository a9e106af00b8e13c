/**
 * How a bundle should answer: the accuracy of each mode on calibration questions, and the temperature that makes its
 * confidence say how often it is right. Utilities are lines of a journal.
 *
 * Where the student fails on a question the evidence answers, as it does when the bundle is served.
 */
import Type, { type Static } from 'typebox';
import type { AnsweringContext } from '../../shared/answering/choice-scorer.js';
import type { StudentMode } from '../../shared/answering/student-choice-scorer.js';
import { wantedPassages } from '../../shared/answering/wanted-passages.js';
import type { LoadedParts } from '../../shared/bundle/load-runtime.js';
import type { AnsweringMode, BundleManifest } from '../../shared/bundle/manifest.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { rateOf } from '../../shared/evaluation/wilson-interval.js';
import type { Progress } from '../../shared/progress.js';
import { classify } from '../../shared/question/classify.js';
import type { Journal } from '../formats/json-lines.js';
import type { EvaluateDetails } from '../stages/details.js';
import {
  crossValidate,
  fitTemperature,
  type ScoredQuestion,
} from '../student-calibration/fit-temperature.js';

/** Of equally good ones the first is taken: evidence costs next to nothing, `verify` a prompt a choice. */
export const answeringModes = ['evidence', 'label', 'continuation', 'verify'] as const;
export type MeasuredMode = (typeof answeringModes)[number];

export const ModeScore = Type.Object(
  {
    mode: Type.Unsafe<MeasuredMode>(Type.Enum([...answeringModes])),
    qaId: Type.String(),
    correct: Type.Boolean(),
    scored: Type.Union(
      [Type.Object({ utilities: Type.Array(Type.Number()), key: Type.Integer({ minimum: 0 }) }), Type.Null()],
      { description: 'By the student; null where it did not answer' },
    ),
  },
  { additionalProperties: false },
);
export type ModeScore = Static<typeof ModeScore>;

export const modeScoreId = ({ mode, qaId }: Pick<ModeScore, 'mode' | 'qaId'>): string => `${mode}\n${qaId}`;

/** Fewer questions say nothing about a temperature. */
const fewest = 20;

export type ModeResult = EvaluateDetails['modes'][number] & {
  name: AnsweringMode;
  calibration: NonNullable<BundleManifest['answering']['calibration']> | null;
};

export interface MeasureModesOptions {
  modes: readonly MeasuredMode[];
  /** Passages handed to the scorer. */
  evidencePassages: number;
  journal: Journal<typeof ModeScore>;
  progress: Progress;
  signal: AbortSignal;
}

/** Of multiple-choice questions, in the order of `answeringModes`; evidence always, since it stands in for others. */
export async function measureModes(
  questions: readonly MeasuredQuestion[],
  parts: Pick<LoadedParts, 'retriever' | 'scorer' | 'studentScorer'>,
  { modes, evidencePassages, journal, progress, signal }: MeasureModesOptions,
): Promise<ModeResult[]> {
  const wanted = answeringModes.filter((mode) => mode === 'evidence' || modes.includes(mode));
  const scores = new Map<MeasuredMode, ModeScore[]>(wanted.map((mode) => [mode, []]));
  for (const question of questions) {
    const context = lazy(async (): Promise<AnsweringContext> => {
      const classification = classify(question.text);
      const retrieval = wantedPassages(classification, evidencePassages);
      const { passages } = await parts.retriever.retrieve(question.text, retrieval, signal);
      return { classification, passages, signal };
    });
    let byEvidence = false;
    for (const mode of wanted) {
      signal.throwIfAborted();
      const about = { mode, qaId: question.id };
      let score: ModeScore | undefined = journal.get(modeScoreId(about));
      if (!score) {
        const found: Pick<ModeScore, 'correct' | 'scored'> =
          mode === 'evidence'
            ? await evidenceScore(parts, await context(), question)
            : await studentScore(parts, mode, await context(), question, byEvidence);
        score = { ...about, ...found };
        await journal.append(score);
      }
      if (mode === 'evidence') byEvidence = score.correct;
      scores.get(mode)?.push(score);
      progress.tick(mode);
    }
  }
  return [...scores].map(([mode, list]) => resultOf(mode, list));
}

/** The best of them; `fixed` is what the configuration says. */
export function chooseMode(results: readonly ModeResult[], fixed: AnsweringMode | 'auto'): ModeResult {
  const [first, ...others] = results;
  const named = results.find(({ name }) => name === fixed);
  if (named) return named;
  return others.reduce((best, each) => (each.rate > best.rate ? each : best), first as ModeResult);
}

async function evidenceScore(
  { scorer }: Pick<LoadedParts, 'scorer'>,
  context: AnsweringContext,
  { answer }: MeasuredQuestion,
): Promise<Pick<ModeScore, 'correct' | 'scored'>> {
  const { choices } = await scorer.score(context);
  const best = indexOfLargest(choices.map(({ probability }) => probability));
  return { correct: String(choices[best]?.number) === answer, scored: null };
}

async function studentScore(
  { studentScorer }: Pick<LoadedParts, 'studentScorer'>,
  mode: StudentMode,
  context: AnsweringContext,
  { answer }: MeasuredQuestion,
  byEvidence: boolean,
): Promise<Pick<ModeScore, 'correct' | 'scored'>> {
  const { choices } = context.classification;
  const key = choices.findIndex(({ number }) => String(number) === answer);
  const utilities = await studentScorer?.(mode)
    .utilities(context)
    .then(
      ({ values }) => values,
      () => undefined,
    );
  context.signal?.throwIfAborted();
  if (key < 0 || !utilities?.every(Number.isFinite)) return { correct: byEvidence, scored: null };
  return { correct: indexOfLargest(utilities) === key, scored: { utilities, key } };
}

function resultOf(mode: AnsweringMode, scores: readonly ModeScore[]): ModeResult {
  const rate = rateOf(scores.filter(({ correct }) => correct).length, scores.length);
  const scored: ScoredQuestion[] = scores.flatMap((score) => score.scored ?? []);
  if (mode === 'evidence' || scored.length < fewest)
    return { name: mode, ...rate, temperature: null, calibration: null };
  const temperature = Number(fitTemperature(scored).toPrecision(6));
  const { negativeLogLikelihood, expectedCalibrationError } = crossValidate(scored);
  return {
    ...{ name: mode, ...rate, temperature },
    calibration: {
      ...{ temperature, questions: scored.length, negativeLogLikelihood, expectedCalibrationError },
    },
  };
}

function indexOfLargest(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

/** Computed when it is first asked for: nothing is retrieved for what the journal holds. */
function lazy<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
