/**
 * What students pick among the choices of the same questions over the same passages, by the code that serves them.
 * Each pick is a line of a journal, so that a measurement that was killed goes on behind it.
 *
 * A question that does not fit a student is answered wrong: it has no answer to it.
 */
import Type, { type Static } from 'typebox';
import { softmax } from '../../shared/answering/choice-model.js';
import type { EvidenceFinder } from '../../shared/answering/student-choice-scorer.js';
import { StudentChoiceScorer, type StudentMode } from '../../shared/answering/student-choice-scorer.js';
import { StudentPace } from '../../shared/answering/student-pace.js';
import type { PromptSet } from '../../shared/answering/prompt-wording.js';
import { StudentPrompt } from '../../shared/answering/student-prompt.js';
import { wantedPassages } from '../../shared/answering/wanted-passages.js';
import { HaetaeError } from '../../shared/errors.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { openLanguageModel } from '../../shared/lm/open-language-model.js';
import type { Progress } from '../../shared/progress.js';
import { classify } from '../../shared/question/classify.js';
import type { Classification } from '../../shared/question/question.js';
import type { Passage, Retriever } from '../../shared/retrieval/retriever.js';
import { type Split, splits } from '../formats/qa-pair.js';
import type { Journal } from '../formats/json-lines.js';

export const StudentPrediction = Type.Object(
  {
    student: Type.String({ description: '`start`, `iteration N`, `incumbent`' }),
    split: Type.Unsafe<Split>(Type.Enum([...splits])),
    qaId: Type.String(),
    picked: Type.Union([Type.Integer(), Type.Null()], { description: 'Number of the choice; null: none' }),
    probability: Type.Union([Type.Number(), Type.Null()], { description: 'Of the choice, not calibrated' }),
    correct: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type StudentPrediction = Static<typeof StudentPrediction>;

export const predictionId = ({ student, qaId }: Pick<StudentPrediction, 'student' | 'qaId'>): string =>
  `${student}/${qaId}`;

/** A question with what is read of it. */
export interface PreparedQuestion {
  question: MeasuredQuestion;
  classification: Classification;
  passages: readonly Passage[];
}

/** Multiple-choice questions with their passages, as the engine finds them; in others nothing can be picked. */
export async function prepareQuestions(
  questions: readonly MeasuredQuestion[],
  retriever: Retriever,
  evidencePassages: number,
  signal: AbortSignal,
): Promise<PreparedQuestion[]> {
  const prepared: PreparedQuestion[] = [];
  for (const question of questions) {
    signal.throwIfAborted();
    const classification = classify(question.text);
    if (classification.choices.length === 0) continue;
    const wanted = wantedPassages(classification, evidencePassages);
    const { passages } = await retriever.retrieve(question.text, wanted, signal);
    prepared.push({ question, classification, passages });
  }
  return prepared;
}

export interface PredictOptions {
  /** Of the student, in the journal. */
  name: string;
  folder: string;
  split: Split;
  mode: StudentMode;
  prompts: PromptSet;
  /** That it reads of a question's. */
  passages: number;
  /** Longest prompt and output; of a model that reaches less far, what it can. */
  contextLength: number;
  threads: number;
  evidence: EvidenceFinder;
  journal: Journal<typeof StudentPrediction>;
  progress: Progress;
  signal: AbortSignal;
}

export interface StudentPredictions {
  /** How it computes, e.g. `qwen2, float32`. */
  precision: string;
  /** One for each question. */
  predictions: StudentPrediction[];
}

/** @throws HaetaeError what opening the model throws; the signal's reason */
export async function predict(
  questions: readonly PreparedQuestion[],
  options: PredictOptions,
): Promise<StudentPredictions> {
  const { name, folder, split, threads, contextLength, journal, progress, signal } = options;
  const model = await openLanguageModel(folder, { threads, limits: { contextLength, maxSlots: 1 } });
  try {
    const { mode, prompts, passages, evidence } = options;
    const scorer = new StudentChoiceScorer({
      ...{ model, mode, passages, evidence, temperature: 1 },
      ...{ prompt: new StudentPrompt(model, model.controls, prompts), pace: new StudentPace() },
    });
    const predictions: StudentPrediction[] = [];
    for (const { question, classification, passages: read } of questions) {
      signal.throwIfAborted();
      const about = { student: name, split, qaId: question.id };
      let prediction = journal.get(predictionId(about));
      if (!prediction) {
        const pick = await pickOf(scorer, { classification, passages: read, signal });
        prediction = { ...about, ...pick, correct: String(pick.picked) === question.answer };
        await journal.append(prediction);
      }
      predictions.push(prediction);
      progress.tick(name);
    }
    return { precision: `${model.config.family}, ${model.precision}`, predictions };
  } finally {
    await model.close();
  }
}

async function pickOf(
  scorer: StudentChoiceScorer,
  context: Parameters<StudentChoiceScorer['utilities']>[0],
): Promise<Pick<StudentPrediction, 'picked' | 'probability'>> {
  const values = await scorer.utilities(context).then(
    (found) => found.values,
    (error: unknown) => {
      if (error instanceof HaetaeError && error.code === 'LM_CONTEXT_EXCEEDED') return [Number.NaN];
      throw error;
    },
  );
  if (!values.every(Number.isFinite)) return { picked: null, probability: null };
  const probabilities = softmax(values, 1);
  const best = probabilities.indexOf(Math.max(...probabilities));
  return {
    picked: context.classification.choices[best]?.number ?? null,
    probability: Number((probabilities[best] as number).toFixed(6)),
  };
}
