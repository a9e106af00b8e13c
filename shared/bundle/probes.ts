/**
 * Probes of a bundle: questions, and what the bundle made of them when it was published. A loaded bundle must
 * reproduce them before it serves. They catch what checksums and fingerprints cannot: parts that are sound, but do
 * not belong together (the index of one bundle with the student, the embedder or the calibration of another).
 *
 * Machines differ in the last digits, and near ties then fall to the other side; so what is compared leaves room:
 *
 *   passages   at least half of those the answerer read are found again
 *   choices    each probability within `probabilityTolerance`: a choice that was clearly ahead stays ahead
 *   open       there is an answer; its text is for people to read, since sampling writes another one each time
 *
 * `probes.jsonl` has one probe a line; the manifest names the file.
 */
import { readFile } from 'node:fs/promises';
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import type { AnswerResult } from '../answering/answer.js';
import { HaetaeError, messageOf } from '../errors.js';
import { writeAtomically } from '../write-atomically.js';
import type { Runtime } from './runtime.js';

export const Probe = Type.Object(
  {
    question: Type.String({ minLength: 1 }),
    answer: Type.String({ description: 'Number of the choice, or the text of an open answer' }),
    usedFallback: Type.Boolean(),
    choices: Type.Array(
      Type.Object({ number: Type.Integer(), probability: Type.Number() }, { additionalProperties: false }),
    ),
    passages: Type.Array(Type.String(), { description: 'Ids of the chunks that the answerer read' }),
  },
  { additionalProperties: false },
);
export type Probe = Static<typeof Probe>;

/** A bundle proves itself in seconds, or it would be faster to ask it everything. */
export const maxProbes = 100;
export const probabilityTolerance = 0.15;

/** What `runtime` makes of each of `questions` (at most `maxProbes`). */
export async function takeProbes(
  runtime: Pick<Runtime, 'answer'>,
  questions: readonly string[],
): Promise<Probe[]> {
  if (questions.length > maxProbes)
    throw new HaetaeError('USAGE', `A bundle has at most ${maxProbes} probes, ${questions.length} came.`);
  const probes: Probe[] = [];
  for (const question of questions) probes.push(await takeProbe(runtime, question));
  return probes;
}

/** @throws HaetaeError BUNDLE_REFUSED naming the first probe that is not reproduced, what it expects and what it got */
export async function checkProbes(
  runtime: Pick<Runtime, 'answer' | 'info'>,
  probes: readonly Probe[],
): Promise<void> {
  for (const [index, expected] of probes.entries()) {
    const got = await takeProbe(runtime, expected.question).catch((error: unknown) => messageOf(error));
    const difference = typeof got === 'string' ? got : differenceOf(expected, got);
    if (difference === undefined) continue;
    throw new HaetaeError(
      'BUNDLE_REFUSED',
      `Bundle '${runtime.info.bundleId}' does not reproduce probe ${index + 1} of ${probes.length}: ${difference}. Its parts do not belong together, or this machine computes otherwise: publish it again`,
      { bundleId: runtime.info.bundleId, probe: index + 1, expected, got },
    );
  }
}

export async function writeProbes(path: string, probes: readonly Probe[]): Promise<void> {
  await writeAtomically(path, probes.map((probe) => `${JSON.stringify(probe)}\n`).join(''));
}

const validator = Compile(Probe);

/** @throws HaetaeError BUNDLE_INVALID naming the line that is not a probe */
export async function readProbes(path: string): Promise<Probe[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw invalid(`${path} cannot be read`, error);
  });
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > maxProbes)
    throw invalid(`${path} has ${lines.length} probes, at most ${maxProbes} may be`);
  return lines.map((line, index) => {
    const probe = parseJson(line, `${path} line ${index + 1}`);
    if (validator.Check(probe)) return probe;
    const [first] = validator.Errors(probe);
    throw invalid(
      `${path} line ${index + 1}: ${first?.instancePath || '/'} ${first?.message ?? 'does not fit'}`,
    );
  });
}

async function takeProbe(runtime: Pick<Runtime, 'answer'>, question: string): Promise<Probe> {
  let passages: string[] = [];
  const result = await runtime.answer(question, {}, undefined, (event) => {
    if (event.type === 'retrieval') passages = event.passages.map(({ chunkId }) => chunkId);
  });
  return { ...essenceOf(result), question, passages };
}

function essenceOf({ answer, usedFallback, choices }: AnswerResult): Omit<Probe, 'question' | 'passages'> {
  return {
    answer,
    usedFallback,
    // Six digits are more than two machines agree on.
    choices: choices.map(({ number, probability }) => ({
      number,
      probability: Number(probability.toFixed(6)),
    })),
  };
}

/** In words, what of `expected` is not in `got`; undefined where nothing is amiss. */
function differenceOf(expected: Probe, got: Probe): string | undefined {
  const found = expected.passages.filter((id) => got.passages.includes(id)).length;
  if (2 * found < expected.passages.length)
    return `expected the passages ${listOf(expected.passages)}, got ${listOf(got.passages)}`;
  if (got.answer === '') return `expected an answer, got none`;
  if (expected.choices.length === 0) return undefined;
  if (got.usedFallback && !expected.usedFallback)
    return `expected an answer of its own, got one of the fallback`;
  const numbers = (probe: Probe): string => probe.choices.map(({ number }) => number).join(' ');
  const isNear = expected.choices.every(
    ({ probability }, i) =>
      Math.abs(probability - (got.choices[i]?.probability ?? Number.NaN)) <= probabilityTolerance,
  );
  if (isNear && numbers(expected) === numbers(got)) return undefined;
  return `expected ${chosen(expected)}, got ${chosen(got)}`;
}

function chosen({ answer, choices }: Probe): string {
  const each = choices.map(({ number, probability }) => `${number}: ${probability.toFixed(2)}`).join(', ');
  return `${answer} (${each || 'no probabilities'})`;
}

function listOf(ids: readonly string[]): string {
  return ids.length === 0 ? 'none' : ids.slice(0, 3).join(', ') + (ids.length > 3 ? ', …' : '');
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`${where} is not JSON`, error);
  }
}

function invalid(what: string, cause?: unknown): HaetaeError {
  return new HaetaeError('BUNDLE_INVALID', `${what}. Publish the bundle again.`, {}, { cause });
}
