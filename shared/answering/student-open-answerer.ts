/**
 * Open answers written by the student: a few sentences over the passages, streamed as they come.
 *
 * What is cited are the passages and sentences that the evidence answerer chose. Where the student writes nothing of
 * use (nothing, marks alone, the same words over and over), the text is empty, and whoever asked takes the evidence
 * answerer's. Where it copied a passage, the sentence is restated with its source, as evidence answers are: retrieved text is never returned
 * verbatim.
 *
 * The confidence is the geometric mean of the probabilities of the tokens written.
 */
import type { GenerateEvent, GenerationUsage, LanguageModel } from '../lm/language-model.js';
import type { Passage } from '../retrieval/retriever.js';
import { compactText, longestRun } from '../text/longest-run.js';
import type { AnsweringContext, OpenAnswer, OpenAnswerer } from './choice-scorer.js';
import type { ExcerptFinder } from './excerpts.js';
import { restate } from './restate.js';
import type { StudentPace } from './student-pace.js';
import type { StudentPrompt } from './student-prompt.js';
import { openAnswerTokens, StudentQuestions } from './student-questions.js';

export interface StudentOpenAnswererParts {
  model: Pick<LanguageModel, 'generate' | 'tokenizer'>;
  prompt: StudentPrompt;
  /** Passages that the student reads, best first. */
  passages: number;
  evidence: OpenAnswerer;
  /** Where the prompts show excerpts. */
  excerpts?: ExcerptFinder;
  pace: StudentPace;
}

const temperature = 0.3;
/** A text of which one run of a passage is this share, and this long (letters and digits), is a copy. */
const copiedShare = 0.8;
const copiedLength = 20;
/** Characters; a restated copy is no longer than an evidence answer. */
const maxRestated = 400;

interface Written {
  text: string;
  /** Mean natural log-probability of its tokens. */
  meanLogprob: number;
  usage: GenerationUsage;
}

export class StudentOpenAnswerer implements OpenAnswerer {
  readonly #parts: StudentOpenAnswererParts;
  readonly #questions: StudentQuestions;

  constructor(parts: StudentOpenAnswererParts) {
    const { model, prompt, passages, excerpts } = parts;
    this.#parts = parts;
    this.#questions = new StudentQuestions({ tokenizer: model.tokenizer, prompt, passages, excerpts });
  }

  async answer(context: AnsweringContext, onText?: (piece: string) => void): Promise<OpenAnswer> {
    const { text, meanLogprob, usage } = await this.#write(context, onText);
    if (isDegenerate(text)) return { text: '', confidence: 0, supports: [], usage };
    const { supports } = await this.#parts.evidence.answer(context);
    const copied = copiedFrom(text, context.passages);
    return {
      text: copied ? restate([{ passage: copied, evidence: text, strength: 1 }], maxRestated) : text,
      confidence: Math.exp(meanLogprob),
      supports,
      usage,
    };
  }

  async #write(context: AnsweringContext, onText: ((piece: string) => void) | undefined): Promise<Written> {
    const { model, pace } = this.#parts;
    const { classification, passages, signal, remainingMs } = context;
    const maxPromptTokens = pace.maxPromptTokens(remainingMs);
    const { ids } = await this.#questions.open({ classification, passages, maxPromptTokens });
    const trimmed = trimmedStream(onText);
    let logprobs = 0;
    let tokens = 0;
    let end: Extract<GenerateEvent, { type: 'end' }> | undefined;
    for await (const event of model.generate(
      { prompt: ids, maxNewTokens: openAnswerTokens, temperature, topLogprobs: 0 },
      signal,
    )) {
      if (event.type === 'end') {
        end = event;
      } else {
        trimmed(event.text);
        logprobs += event.logprob ?? 0;
        tokens += 1;
      }
    }
    if (!end) throw new Error('the student stopped without an end');
    const { usage, timings } = end;
    pace.record(usage.promptTokens - usage.cachedTokens, timings.timeToFirstTokenMs);
    return { text: end.text.trim(), meanLogprob: tokens > 0 ? logprobs / tokens : 0, usage };
  }
}

/** Passes pieces on so that they add up to the trimmed text: white space waits for what follows it. */
function trimmedStream(onText: ((piece: string) => void) | undefined): (piece: string) => void {
  let begun = false;
  let space = '';
  return (piece) => {
    const text = begun ? space + piece : piece.trimStart();
    const visible = text.trimEnd();
    space = text.slice(visible.length);
    if (visible === '') return;
    begun = true;
    onText?.(visible);
  };
}

/** Nothing to read, or the same words over and over, as small models write when they are lost. */
export function isDegenerate(text: string): boolean {
  if (text.length < 2 || !/[\p{L}\p{N}]/u.test(text) || text.includes('\uFFFD\uFFFD')) return true;
  const words = text.split(/\s+/u);
  // A period p: most words are those p words before.
  for (let period = 1; period <= Math.min(8, words.length / 3); period++) {
    let repeats = 0;
    for (let i = period; i < words.length; i++) if (words[i] === words[i - period]) repeats++;
    if (repeats >= 0.8 * (words.length - period) && repeats >= 3) return true;
  }
  // The same for characters, in text without spaces; a number may have its zeros.
  const compact = text.replace(/\s+/gu, '');
  const [loop = ''] = /(.{1,12}?)\1{5,}/su.exec(compact) ?? [];
  return loop.length >= 12 && loop.length >= compact.length / 2;
}

/** The passage that a text was copied from; undefined where it has words of its own. */
export function copiedFrom(text: string, passages: readonly Passage[]): Passage | undefined {
  const compact = compactText(text);
  if (compact.length < copiedLength) return undefined;
  return passages.find(({ chunk }) => longestRun(compact, compactText(chunk.content)) >= copiedShare);
}
