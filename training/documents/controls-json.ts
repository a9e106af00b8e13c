/**
 * Certification controls in JSON to blocks: `[{ "id": "2.5.4", "title": "비밀번호 관리", "text": "…" }]`.
 *
 * Each control gives a heading `id title` and one paragraph. The texts come from print: line breaks stand
 * between any two syllables and swallowed the space that may have stood there. `joinBrokenLines` decides with
 * the spacing of the unbroken text of the same file, and with what Korean never does: a particle or a verb
 * ending does not start a word; a word that ends in a particle, and a comma, are followed by a space.
 */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { HaetaeError } from '../../shared/errors.js';
import type { Block, DocumentParser, ParsedDocument } from './document.js';
import { SpacingModel } from './spacing.js';
import { textOf } from './text-of.js';

const Controls = Compile(
  Type.Array(
    Type.Object({
      id: Type.String({ pattern: '^[A-Za-z]{0,4}[0-9]+([.-][0-9]+)*$' }),
      title: Type.String({ minLength: 1 }),
      text: Type.String({ minLength: 1 }),
    }),
    { minItems: 1 },
  ),
);

/** A fragment that cannot start a word: particles and endings, alone or before punctuation. */
const boundFragment =
  /^(?:과|와|을|를|의|에|로|으로|은|는|이|가|도|고|며|하여|하고|하며|하여야|되도록|도록|여야|야|거나|다|된|적|성|화|별로)(?:[.,)]|$)/u;
/** Words of one syllable; any other single syllable before a break is the first half of a word. */
const wordOfOneSyllable = /^(?:및|등|할|각|될)$/u;
/** Words that stand alone after a verb ending: `수립하여야 한다.`, `제한할 수 있는`. */
const freeWord = /^(?:한다|있다|없다|및|또는|등|수|있는|있도록|한다\.)/u;
const wordEnd =
  /(?:을|를|은|는|에서|으로|도록|하고|하며|하여|하여야|되고|따른|따라|위한|위하여|대한|관한|또는|및|[,:;])$/u;
/** Endings that are believed only after two more syllables: `전사적`, `경영진에게`, `시스템과`, `안전한`. */
const longWordEnd = /^.{2,}(?:적|도록|에게|부터|된|한|로|와|과|이|가)$/u;

export const parseControlsJson: DocumentParser = async (bytes, path): Promise<ParsedDocument> => {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes, path));
  } catch (error) {
    if (error instanceof HaetaeError) throw error;
    throw new HaetaeError(
      'DOCUMENT_DAMAGED',
      `${path}: the file is not valid JSON.`,
      { path },
      { cause: error },
    );
  }
  if (!Controls.Check(value)) {
    throw new HaetaeError(
      'DOCUMENT_UNSUPPORTED',
      `${path}: JSON documents must be a list of controls, each with id, title and text; this one is not.`,
      { path },
    );
  }
  const seen = new Set<string>();
  const model = new Spacing();
  for (const control of value) {
    if (seen.has(control.id)) {
      throw new HaetaeError('DOCUMENT_DAMAGED', `${path}: the control ${control.id} stands twice.`, { path });
    }
    seen.add(control.id);
    for (const line of unbrokenParts(control.text)) model.learn(line);
    for (const line of unbrokenParts(control.title)) model.learn(line);
  }
  const blocks = value.flatMap((control): Block[] => [
    { kind: 'heading', level: 2, text: `${control.id} ${joinBrokenLines(control.title, model)}` },
    { kind: 'paragraph', text: joinBrokenLines(control.text, model) },
  ]);
  const lines = blocks.flatMap((block) => (block.kind === 'table' ? [] : [block.text]));
  return { title: '', effective: '', blocks, lines, warnings: [] };
};

/** The spacing of unbroken text: the shared model, and which two-syllable stems begin, end and fill words. */
export class Spacing {
  readonly #model = new SpacingModel();
  readonly #starts = new Set<string>();
  readonly #ends = new Set<string>();
  readonly #inside = new Set<string>();

  learn(line: string): void {
    this.#model.learn(line);
    for (const word of line.split(/[^\p{L}\p{N}]+/u)) {
      if (word.length < 2) continue;
      this.#starts.add(word.slice(0, 2));
      this.#ends.add(word.slice(-2));
      for (let i = 0; i + 4 <= word.length; i += 1) this.#inside.add(word.slice(i, i + 4));
    }
  }

  /** True where a space belongs between the fragments `before` and `after` of the texts `left` and `right`. */
  spaced(left: string, right: string, before: string, after: string): boolean {
    const compound = this.#inside.has(before.slice(-2) + after.slice(0, 2));
    if (!compound && this.#ends.has(before.slice(-2)) && this.#starts.has(after.slice(0, 2))) return true;
    return this.#model.probability(left, right) >= 0.5;
  }
}

/** Lines without the words that touch a break: only these show spacing that can be believed. */
function unbrokenParts(text: string): string[] {
  const lines = text.split('\n');
  return lines.map((line, i) => {
    const words = line.trim().split(/\s+/u);
    return words.slice(i === 0 ? 0 : 1, i === lines.length - 1 ? words.length : -1).join(' ');
  });
}

/** Joins printed lines, with or without a space at each break. */
export function joinBrokenLines(text: string, model: Spacing): string {
  let joined = '';
  for (const line of text.split('\n').map((part) => part.trim())) {
    if (line === '') continue;
    if (joined === '') joined = line;
    else joined += (needsSpace(joined, line, model) ? ' ' : '') + line;
  }
  return joined;
}

function needsSpace(left: string, right: string, model: Spacing): boolean {
  const before = /[^\sㆍ·]*$/u.exec(left)?.[0] ?? '';
  const after = /^[^\sㆍ·]*/u.exec(right)?.[0] ?? '';
  if (/^[ㆍ·)\]]/u.test(right) || /[ㆍ·([]$/u.test(left)) return false;
  if (/[,.:;]$/u.test(left)) return true;
  if (/(?:하|되|이|시키)여야$|[^하]아야$|어야$|할 수$/u.test(left)) return !/^(?:며|고)/u.test(right);
  if (freeWord.test(after) && before.length > 1) return true;
  if (boundFragment.test(after)) return false;
  if (before.length === 1)
    return (
      wordOfOneSyllable.test(before) ||
      (before === '시' && after.length >= 3) ||
      (before === '수' && /^[있없]/u.test(after))
    );
  if (wordEnd.test(before) || longWordEnd.test(before)) return true;
  return model.spaced(left, right, before, after);
}
