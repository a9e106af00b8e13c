/**
 * Printed lines to logical lines: which lines continue the one before, and with or without a space.
 *
 * A line goes on in the next one only if it was full: the first unbreakable unit of the next line would not
 * have fitted behind it any more. A full line may also end by chance where its paragraph ends, so a next line
 * that opens with a list marker starts a new paragraph, if the marker stands where markers of its kind stand
 * and counts on from the marker before it. (Wrapped text begins with `다. 다만, …`, with `12. 3.>` of a date and
 * with `제3조제1항에 따라` often enough.) The space: if the unit plus nothing would still have fitted, a space
 * must have stood there, since only it made the typesetter break; else `SpacingModel` decides.
 */
import { SpacingModel } from './spacing.js';
import type { VisualLine } from './visual-line.js';

export interface LogicalLine {
  text: string;
  /** Printed lines that it was joined from; more than one for a paragraph that was wrapped. */
  parts: VisualLine[];
  /** Positions in `text` where a break was closed, and whether a space was put there. */
  breaks: { at: number; spaced: boolean; probability: number }[];
}

type MarkerKind =
  | 'article'
  | 'circled'
  | 'number'
  | 'letter'
  | 'paren-number'
  | 'paren-letter'
  | 'note'
  | 'title';

interface Marker {
  kind: MarkerKind;
  /** Position in its sequence; 0 where the kind has none. */
  order: number;
  /** `2의3.` and the like: may follow any smaller order. */
  branch: boolean;
}

const letters = '가나다라마바사아자차카타파하거너더러머버서어저처커터퍼허';

/** The list marker that a line opens with. */
export function markerOf(text: string): Marker | undefined {
  let m = /^제(\d+)조(의\d+)?\s*(?:\(|삭\s?제|생략|부터|및|내지|$)/.exec(text);
  if (m) return { kind: 'article', order: Number(m[1]), branch: m[2] !== undefined };
  m = /^[①-⑳㉑-㉟㊱-㊿]/.exec(text);
  if (m) return { kind: 'circled', order: circledOrder(m[0]), branch: true };
  m = /^(\d{1,3})(의\d+)*\.(?!\d)/.exec(text);
  if (m) return { kind: 'number', order: Number(m[1]), branch: m[2] !== undefined };
  m = /^([가-하거너더러머버서어저처커터퍼허])(의\d+)?\.(?=\s|$)/.exec(text);
  if (m && letters.includes(m[1]!))
    return { kind: 'letter', order: letters.indexOf(m[1]!) + 1, branch: m[2] !== undefined };
  m = /^\(?(\d{1,3})(의\d+)?\)/.exec(text);
  if (m) return { kind: 'paren-number', order: Number(m[1]), branch: m[2] !== undefined };
  m = /^\(?([가-하거너더러머버서어저처커터퍼허])(의\d+)?\)/.exec(text);
  if (m && letters.includes(m[1]!))
    return { kind: 'paren-letter', order: letters.indexOf(m[1]!) + 1, branch: m[2] !== undefined };
  if (/^\[(?:본조|전문|제목|시행일|종전|제\d+조|본항|본호|별표|법률|대통령령|유효기간|\d{4}\.)/.test(text))
    return { kind: 'note', order: 0, branch: true };
  if (/^(?:제\d+(?:편|장|절|관)(?:의\d+)?\s|부\s?칙(?:\s|<|\(|$)|\[?별[표지])/.test(text))
    return { kind: 'title', order: 0, branch: true };
  return undefined;
}

function circledOrder(char: string): number {
  const code = char.codePointAt(0)!;
  if (code >= 0x32b1) return code - 0x32b1 + 36;
  if (code >= 0x3251) return code - 0x3251 + 21;
  return code - 0x2460 + 1;
}

/** Upper estimate, in font sizes, of what must move to the next line together with its first character. */
function firstUnit(text: string): { text: string; ems: number } {
  // A break is possible after a Hangul syllable, a space or a hyphen; Latin letters, digits and marks stick.
  const unit =
    /^[^\s\uac00-\ud7a3\u3131-\u318e\u4e00-\u9fff-]*[\uac00-\ud7a3\u3131-\u318e\u4e00-\u9fff-]?/.exec(
      text,
    )?.[0];
  let ems = 0;
  for (const char of unit ?? '') ems += /[\u1100-\uffff\u2018-\u201d]/.test(char) ? 1 : 0.6;
  return { text: unit ?? '', ems };
}

/** Distance below which two left edges are the same, points. */
const sameEdge = 2.5;
/** A gap this many times the usual pitch ends a paragraph. */
const wideGap = 1.35;

/** Room, in font sizes, that a line without a full stop may leave and still go on in the next one. */
const nearlyFull = 4;
const terminated = /[.:;!?>\])」』”’"']$/;

/** Joins printed lines into logical ones. `leastMargin`: no column ends left of it (points). */
export function joinLines(lines: readonly VisualLine[], leastMargin = 0): LogicalLine[] {
  const margin = Math.max(leastMargin, rightMargin(lines));
  const pitch = usualPitch(lines);
  const model = new SpacingModel();
  const isFull = (line: VisualLine, next: VisualLine) => {
    const unit = firstUnit(next.text).ems * line.size;
    return line.right >= margin - 1.2 || line.x + line.naturalWidth + 0.34 * line.size + unit > margin + 0.5;
  };
  for (const line of lines) model.learn(line.text);
  const startEdges = edgesOfStarts(lines, isFull);

  const logical: LogicalLine[] = [];
  /** Open sequences: the last order of each kind of marker in the current list context. */
  let open = new Map<MarkerKind, { order: number; x: number }>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const current = logical.at(-1);
    const previous = lines[i - 1];
    const marker = markerOf(line.text);
    const goesOn =
      current !== undefined && previous !== undefined && continues(current, previous, line, marker);
    if (goesOn) {
      append(current, line, needsSpace(current.text, previous, line));
      continue;
    }
    logical.push({ text: line.text, parts: [line], breaks: [] });
    if (marker) note(marker, line.x);
  }
  return logical;

  function note(marker: Marker, x: number) {
    const deeper: Record<MarkerKind, MarkerKind[]> = {
      title: ['article', 'circled', 'number', 'letter', 'paren-number', 'paren-letter'],
      article: ['circled', 'number', 'letter', 'paren-number', 'paren-letter'],
      circled: ['number', 'letter', 'paren-number', 'paren-letter'],
      number: ['letter', 'paren-number', 'paren-letter'],
      letter: ['paren-number', 'paren-letter'],
      'paren-number': ['paren-letter'],
      'paren-letter': [],
      note: [],
    };
    const kept = new Map(open);
    for (const kind of deeper[marker.kind]) kept.delete(kind);
    kept.set(marker.kind, { order: marker.order, x });
    open = kept;
  }

  function continues(
    current: LogicalLine,
    previous: VisualLine,
    line: VisualLine,
    marker: Marker | undefined,
  ): boolean {
    if (Math.abs(line.size - previous.size) > 0.6) return false;
    if (line.page === previous.page && previous.y - line.y > wideGap * pitch) return false;
    if (!isFull(previous, line)) {
      const room = (margin - previous.x - previous.naturalWidth) / line.size;
      return marker === undefined && room < nearlyFull && !terminated.test(current.text);
    }
    if (unclosed(current.text)) return true;
    if (!marker) return true;
    const known = startEdges.get(marker.kind);
    if (known && known.length > 0 && !known.some((x) => Math.abs(x - line.x) < sameEdge)) return true;
    if (marker.kind === 'number' && /(?:\d{4}\.|\d{4}\.\s*\d{1,2}\.)$/.test(current.text)) return true;
    if (marker.kind === 'title' || marker.kind === 'note' || marker.kind === 'article') return false;
    const before = open.get(marker.kind);
    const inSequence = before
      ? marker.order === before.order + 1 ||
        (marker.branch && marker.order === before.order) ||
        marker.order === 1
      : marker.order === 1 || marker.kind === 'circled';
    return !inSequence;
  }

  function needsSpace(text: string, previous: VisualLine, line: VisualLine) {
    const unit = firstUnit(line.text).ems * previous.size;
    if (previous.x + previous.naturalWidth + unit <= margin - 0.5) return { spaced: true, probability: 1 };
    const probability = model.probability(text, line.text);
    return { spaced: probability >= 0.5, probability };
  }
}

function append(current: LogicalLine, line: VisualLine, join: { spaced: boolean; probability: number }) {
  current.breaks.push({ at: current.text.length, ...join });
  current.text += (join.spaced ? ' ' : '') + line.text;
  current.parts.push(line);
}

/** A bracket that is never left open at the end of a paragraph: a date list, a note, the name of a statute. */
function unclosed(text: string): boolean {
  const count = (char: string) => text.split(char).length - 1;
  return (
    count('「') > count('」') || (count('<') > count('>') && text.lastIndexOf('<') > text.lastIndexOf('>'))
  );
}

/** The right edge that most full lines share: the largest edge that at least 3 % of the lines reach. */
function rightMargin(lines: readonly VisualLine[]): number {
  const edges = lines.map((line) => line.right).sort((a, b) => b - a);
  const counts = new Map<number, number>();
  for (const edge of edges) {
    const key = Math.round(edge);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const least = 0.03 * lines.length;
  const common = [...counts].filter(([, n]) => n >= least).sort((a, b) => b[0] - a[0])[0];
  const exact = common ? edges.filter((edge) => Math.round(edge) === common[0]) : edges.slice(0, 1);
  return exact[Math.floor(exact.length / 2)] ?? 0;
}

/** The most frequent distance between consecutive baselines. */
function usualPitch(lines: readonly VisualLine[]): number {
  const counts = new Map<number, number>();
  for (let i = 1; i < lines.length; i++) {
    const gap = Math.round(lines[i - 1]!.y - lines[i]!.y);
    if (lines[i - 1]!.page === lines[i]!.page && gap > 0) counts.set(gap, (counts.get(gap) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? Number.POSITIVE_INFINITY;
}

/** Left edges at which lines that surely start a paragraph (the line before was not full) open, by marker. */
function edgesOfStarts(
  lines: readonly VisualLine[],
  isFull: (line: VisualLine, next: VisualLine) => boolean,
): Map<MarkerKind, number[]> {
  const counts = new Map<MarkerKind, Map<number, number>>();
  for (let i = 0; i < lines.length; i++) {
    const previous = lines[i - 1];
    const line = lines[i]!;
    const marker = markerOf(line.text);
    if (!marker || (previous && isFull(previous, line))) continue;
    const edges = counts.get(marker.kind) ?? new Map<number, number>();
    edges.set(Math.round(line.x), (edges.get(Math.round(line.x)) ?? 0) + 1);
    counts.set(marker.kind, edges);
  }
  const result = new Map<MarkerKind, number[]>();
  for (const [kind, edges] of counts) {
    const total = [...edges.values()].reduce((a, b) => a + b, 0);
    result.set(
      kind,
      [...edges].filter(([, n]) => n >= Math.max(1, 0.02 * total)).map(([x]) => x),
    );
  }
  return result;
}
