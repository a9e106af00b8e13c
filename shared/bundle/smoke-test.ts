/**
 * What any bundle must be able to do, whatever it holds: find its own chunks by their own words, and answer questions
 * made of them. An index of other chunks, an embedder of another index, a scorer that gives no numbers do not pass.
 *
 * Of `sampleSize` chunks spread over the corpus most must be among the first ten for their title, heading and first
 * words; not all, since parts of one article, and versions of one statute, crowd each other out. (Of 500 chunks of
 * the bundled documents, 499 were found.)
 */
import { HaetaeError, messageOf } from '../errors.js';
import type { Chunk } from '../retrieval/chunk.js';
import type { Runtime } from './runtime.js';

const sampleSize = 5;
const topK = 10;
const queryLength = 100;
/** Short, so that the question fits the context of a small student. */
const choiceLength = 30;

/** @throws HaetaeError BUNDLE_REFUSED saying what was expected and what came */
export async function smokeTest(
  runtime: Pick<Runtime, 'answer' | 'retrieve' | 'info'>,
  chunks: readonly Chunk[],
): Promise<void> {
  const sample = spread(chunks, sampleSize);
  try {
    await findsItsChunks(runtime, sample);
    await choosesAmongChoices(runtime, sample);
    await writesAnAnswer(runtime, sample);
  } catch (error) {
    const { bundleId } = runtime.info;
    throw new HaetaeError(
      'BUNDLE_REFUSED',
      `Bundle '${bundleId}' loads, but does not work: ${messageOf(error)}. Its parts do not belong together: publish it again.`,
      { bundleId },
      { cause: error },
    );
  }
}

async function findsItsChunks(runtime: Pick<Runtime, 'retrieve'>, sample: readonly Chunk[]): Promise<void> {
  const lost: string[] = [];
  for (const { chunkId, title, heading, content } of sample) {
    const query = `${title} ${heading} ${oneLine(content, queryLength)}`;
    const { passages } = await runtime.retrieve(query, { topK, rerank: false });
    if (!passages.some(({ chunk }) => chunk.chunkId === chunkId)) lost.push(chunkId);
  }
  if (2 * lost.length < sample.length) return;
  throw new Error(
    `of ${sample.length} chunks, ${lost.length} are not found by their own words, e.g. ${lost[0]}`,
  );
}

/** A student whose context is too short for the question may leave it to the evidence. */
async function choosesAmongChoices(
  runtime: Pick<Runtime, 'answer' | 'info'>,
  sample: readonly Chunk[],
): Promise<void> {
  const [first] = sample;
  if (first === undefined) return;
  const choices = [0, 1, 2, 3].map((i) => {
    const { content } = sample[i % sample.length] as Chunk;
    return `${i + 1}. ${oneLine(content, choiceLength)}`;
  });
  const stem = `${first.title}에 대한 설명으로 옳은 것은?`;
  const { answer, usedFallback, errorMessage } = await runtime.answer([stem, ...choices].join('\n'));
  if (!/^[1-4]$/u.test(answer)) throw new Error(`a choice of 1 to 4 was expected, '${answer}' came`);
  if (usedFallback && runtime.info.student === null)
    throw new Error(`a question of four choices was left to the fallback (${errorMessage})`);
}

async function writesAnAnswer(runtime: Pick<Runtime, 'answer'>, sample: readonly Chunk[]): Promise<void> {
  const [first] = sample;
  if (first === undefined) return;
  const { answer } = await runtime.answer(`${first.heading || first.title}에 대하여 설명하시오.`);
  if (answer.trim() === '') throw new Error('an open question got no answer');
}

function spread(chunks: readonly Chunk[], count: number): Chunk[] {
  const size = Math.min(count, chunks.length);
  return Array.from(
    { length: size },
    (_, i) => chunks[Math.floor(((i + 0.5) * chunks.length) / size)] as Chunk,
  );
}

function oneLine(text: string, length: number): string {
  return text.replace(/\s+/gu, ' ').trim().slice(0, length);
}
