/**
 * Answers of a bundle to measured questions, a line each: the journal of `haetae evaluate --out`. A line says which
 * bundle, in which mode, was asked what, so that a file may hold the answers of several.
 */
import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { AnsweringMode } from '../../shared/bundle/manifest.js';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { MeasuredQuestion } from '../../shared/evaluation/measured-question.js';
import { QuestionType } from '../../shared/question/question.js';
import { Journal } from '../../training/formats/json-lines.js';

export const Prediction = Type.Object(
  {
    bundle: Type.String({ description: 'Its id' }),
    manifest: Type.String({ description: 'Of its manifest: another content has another' }),
    mode: AnsweringMode,
    file: Type.String(),
    row: Type.Integer({ minimum: 1 }),
    deal: Type.Integer({ minimum: 0, description: '0: choices as written' }),
    question: Type.String({ description: 'Of the text that was asked, and its answer' }),
    type: QuestionType,
    expected: Type.String({ description: 'Number of the right choice; else the reference' }),
    answer: Type.String(),
    correct: Type.Union([Type.Boolean(), Type.Null()], { description: 'Null of an open question' }),
    confidence: Type.Number(),
    probabilities: Type.Array(Type.Number(), { description: 'Of the choices, in their order' }),
    usedFallback: Type.Boolean(),
    errorMessage: Type.Optional(Type.String()),
    ms: Type.Number({ minimum: 0, description: 'From the question to its answer' }),
    passages: Type.Array(Type.String(), { description: 'Ids of what was read, best first' }),
    citations: Type.Array(Type.String()),
  },
  { additionalProperties: false },
);
export type Prediction = Static<typeof Prediction>;

export type PredictionKey = Pick<Prediction, 'bundle' | 'manifest' | 'mode' | 'question'>;
export const predictionId = ({ bundle, manifest, mode, question }: PredictionKey): string =>
  `${bundle}\n${manifest}\n${mode}\n${question}`;

export function questionHash({ text, answer }: Pick<MeasuredQuestion, 'text' | 'answer'>): string {
  return createHash('sha256')
    .update(JSON.stringify([text, answer]))
    .digest('hex')
    .slice(0, 16);
}

/** Where answers are kept. */
export interface PredictionStore {
  get(id: string): Prediction | undefined;
  append(prediction: Prediction): Promise<void>;
  close(): Promise<void>;
}

/** Forgets all at the end. */
export function memoryStore(): PredictionStore {
  const kept = new Map<string, Prediction>();
  return {
    get: (id) => kept.get(id),
    append: async (prediction) => void kept.set(predictionId(prediction), prediction),
    close: async () => undefined,
  };
}

const firstCharacters = '{"bundle":';

/**
 * Takes up the file, or begins it.
 * @throws HaetaeError USAGE where it is none of predictions, which then stays as it is; TRAINING_DATA_INVALID
 */
export async function openPredictions(
  path: string,
  questionFiles: readonly string[],
): Promise<PredictionStore> {
  const refuse = (what: string): HaetaeError =>
    new HaetaeError('USAGE', `--out ${path} ${what}. Name another file.`, { path });
  const found = await stat(path).catch(() => undefined);
  if (found && !found.isFile()) throw refuse('is no plain file');
  if (found) {
    const real = await realpath(path);
    for (const file of questionFiles) if ((await realpath(file)) === real) throw refuse('is a question file');
    const first = await firstBytes(path, firstCharacters.length);
    if (!firstCharacters.startsWith(first) && first !== firstCharacters)
      throw refuse('exists and holds no predictions');
  }
  try {
    return await Journal.open(path, Prediction, predictionId);
  } catch (error) {
    if (error instanceof HaetaeError) throw error;
    throw refuse(`cannot be written (${messageOf(error)})`);
  }
}

async function firstBytes(path: string, length: number): Promise<string> {
  const handle = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
