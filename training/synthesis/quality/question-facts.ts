/** What the rules look at: a draft with its choices told apart, and its context in forms that can be searched. */
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { compactText, longestRun } from '../../../shared/text/longest-run.js';
import { normalizeText } from '../../../shared/text/normalize.js';
import type { QaDraft } from '../../formats/qa-pair.js';
import { documentIdOf } from '../split/document-id.js';
import type { DraftRequest } from '../question-teacher.js';

export interface QuestionFacts {
  draft: QaDraft;
  wanted: DraftRequest['wanted'];
  /** Empty for an open question. */
  choices: readonly string[];
  /** Index of the right choice; −1 where the answer is not the number of one. */
  key: number;
  /** What the context has to support: the right choice, of a negated stem all others; the answer in words. */
  supported: readonly string[];
  /** What it must not support: of multiple choice the rest. */
  unsupported: readonly string[];
  context: SearchableText;
  /** What a false choice may be made of: pairs of letters of context, neighbours and stem. */
  surroundings(): ReadonlySet<string>;
  /** Pairs of letters of the domain. */
  vocabulary: ReadonlySet<string>;
  /** Chunks that the draft names and that are not there, or are of another document. */
  foreignContext: readonly string[];
}

/** What a question is judged against. */
export interface QuestionCorpus {
  chunkOf(chunkId: string): Chunk | undefined;
  /** Pairs of letters that are usual in a domain. */
  vocabularyOf(domain: string): ReadonlySet<string>;
}

export interface SearchableText {
  /** Each line of the original as `compact` has the whole. */
  lines: readonly string[];
  /** As `compactText` leaves it; without what stands in brackets too. */
  compact: readonly string[];
  bigrams: ReadonlySet<string>;
  numbers: ReadonlySet<string>;
}

export function questionFacts(
  draft: QaDraft,
  request: Pick<DraftRequest, 'chunk' | 'neighbours' | 'wanted'>,
  corpus: QuestionCorpus,
): QuestionFacts {
  const documentId = documentIdOf(request.chunk);
  const context = draft.contextChunkIds.map((id) => ({ id, chunk: corpus.chunkOf(id) }));
  const known = context.flatMap(({ chunk }) => (chunk && documentIdOf(chunk) === documentId ? [chunk] : []));
  const text = known.map(textOf).join('\n');
  const choices = draft.choices ?? [];
  const number = /^[1-9]\d?$/u.test(draft.answer) ? Number(draft.answer) : 0;
  const key = number <= choices.length ? number - 1 : -1;
  const right = choices.filter((_, i) => i === key);
  const others = choices.filter((_, i) => i !== key);
  const open = draft.choices === undefined;
  return {
    draft,
    wanted: request.wanted,
    choices,
    key,
    supported: open ? [draft.answer] : draft.negated ? others : right,
    unsupported: open ? [] : draft.negated ? right : others,
    context: searchable(text),
    surroundings: () => bigrams([text, ...request.neighbours.map(textOf), draft.question].join('\n')),
    vocabulary: corpus.vocabularyOf(request.chunk.domain),
    foreignContext: context.filter(({ chunk }) => !chunk || !known.includes(chunk)).map(({ id }) => id),
  };
}

/** What the model is shown of a chunk, and what names it. */
function textOf({ title, section, heading, content }: Chunk): string {
  return [title, section, heading, content].join('\n');
}

export function searchable(text: string): SearchableText {
  const normal = normalizeText(text);
  return {
    lines: text.split('\n').flatMap((line) => variants(normalizeText(line))),
    compact: variants(normal),
    bigrams: bigrams(text),
    numbers: new Set(numbersOf(text).flatMap((number) => [number, number.replace(/\D+$/u, '')])),
  };
}

/** Whether the text stands in the other word for word, spaces and marks aside. */
export function isVerbatim(statement: string, text: SearchableText): boolean {
  return variants(normalizeText(statement)).some(
    (part) => part !== '' && text.compact.some((whole) => whole.includes(part)),
  );
}

/** Whether some line of the text holds all of the statements word for word. */
export function standTogether(statements: readonly string[], text: SearchableText): boolean {
  const parts = statements.map((statement) => variants(normalizeText(statement)));
  return text.lines.some((line) => parts.every((either) => either.some((part) => line.includes(part))));
}

/** How much of a statement the text holds, 0..1: of its pairs of letters, or in one run. */
export function support(statement: string, text: SearchableText): number {
  if (isVerbatim(statement, text)) return 1;
  const cover = shareOf(bigrams(statement), text.bigrams);
  // A run is never longer than what is covered, so it only helps where little is.
  return cover > 0.9
    ? cover
    : Math.max(cover, longestRun(compact(normalizeText(statement)), text.compact[0] ?? ''));
}

/** Share of the first set that the second holds; 1 for none. */
export function shareOf(part: ReadonlySet<string>, whole: ReadonlySet<string>): number {
  let shared = 0;
  for (const item of part) if (whole.has(item)) shared += 1;
  return part.size === 0 ? 1 : shared / part.size;
}

/** Pairs of neighbouring letters or digits of a word; a word of one by itself. */
export function bigrams(text: string): Set<string> {
  const pairs = new Set<string>();
  for (const [word] of normalizeText(text).matchAll(/[\p{L}\p{N}]+/gu)) {
    if (word.length === 1) pairs.add(word);
    for (let i = 0; i + 2 <= word.length; i++) pairs.add(word.slice(i, i + 2));
  }
  return pairs;
}

/** Each number with the first letter of what it counts: `3년 이하` → `3년`, `제17조` → `17조`, `5 %` → `5%`. */
export function numbersOf(text: string): string[] {
  return [...normalizeText(text).matchAll(/(\d+(?:\.\d+)?) ?(%|[가-힣])?/gu)].map(
    ([, number = '', unit = '']) => number + unit,
  );
}

export function compact(text: string): string {
  return compactText(text).toLowerCase();
}

/** As it is, and without what stands in brackets. */
function variants(normal: string): string[] {
  return [compact(normal), compact(normal.replace(/\([^()]*\)|<[^<>]*>|\[[^[\]]*\]/gu, ''))];
}
