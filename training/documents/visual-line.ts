/**
 * A line as printed: what the position of its glyphs says, before any joining.
 *
 * Two widths matter. `right` is where the line ends on paper, after justification; `naturalWidth` is the sum
 * of the glyph advances without it, which is what the typesetter compared with the column when it broke the
 * line. `join-lines` uses the second to tell whether the next glyph would still have fitted.
 */
export interface VisualLine {
  /** 1-based. */
  page: number;
  /** Left edge and baseline, points, origin at the bottom left. */
  x: number;
  y: number;
  right: number;
  naturalWidth: number;
  /** Font size of most of the line, points. */
  size: number;
  text: string;
  /** Runs of the line separated by wide gaps; one for prose, several for a table's row. */
  cells: { x: number; right: number; text: string }[];
}

/** A run of text as pdf.js reports it. */
export interface PositionedText {
  str: string;
  x: number;
  y: number;
  width: number;
  height: number;
  fontName: string;
}

/** Advance of each character of a font, in thousandths of the font size; see `glyphWidths`. */
export type GlyphWidths = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Items whose baselines differ by less than this part of the font size share a line. */
const baselineTolerance = 0.35;
/** A gap of this many font sizes separates the cells of a table. */
const cellGap = 1.8;
/** A gap of this many font sizes is a space that the file does not spell out. */
const wordGap = 0.2;

/**
 * Circled numbers above ⑮ come out of some law prints as two keys of a symbol font, the second one shifted:
 * `1^` is ⑯, `2#` is ㉓. `!` to `)` are the shifted 1 to 0 of a US keyboard.
 */
function circledFromKeys(text: string): string | undefined {
  const match = /^([1-5]?)([!@#$%^&*()])$/.exec(text.trim());
  if (!match?.[1]) return undefined;
  const number = Number(match[1]) * 10 + ((')!@#$%^&*('.indexOf(match[2]!) + 10) % 10);
  return circledNumber(number);
}

/** `16` → `⑯`, `23` → `㉓`, `50` → `㊿`; undefined outside 1 to 50. */
export function circledNumber(n: number): string | undefined {
  if (n >= 1 && n <= 20) return String.fromCharCode(0x2460 + n - 1);
  if (n >= 21 && n <= 35) return String.fromCharCode(0x3251 + n - 21);
  if (n >= 36 && n <= 50) return String.fromCharCode(0x32b1 + n - 36);
  return undefined;
}

function naturalWidthOf(item: PositionedText, widths: GlyphWidths): number {
  const font = widths.get(item.fontName);
  if (!font) return item.width;
  let sum = 0;
  for (const char of item.str) {
    const width = font.get(char);
    if (width === undefined) return item.width;
    sum += width;
  }
  return (sum / 1000) * item.height;
}

/** Groups the items of one page into lines, top to bottom, left to right. */
export function visualLines(
  items: readonly PositionedText[],
  widths: GlyphWidths,
  page: number,
): VisualLine[] {
  const rows: { y: number; size: number; items: PositionedText[] }[] = [];
  for (const item of [...items].sort((a, b) => b.y - a.y)) {
    if (item.str.trim() === '') continue;
    const row = rows.at(-1);
    if (row && row.y - item.y <= baselineTolerance * Math.max(row.size, item.height)) {
      row.items.push(item);
      row.size = Math.max(row.size, item.height);
    } else rows.push({ y: item.y, size: item.height, items: [item] });
  }
  return rows.map((row) => lineOf(row.items, widths, page));
}

function lineOf(items: PositionedText[], widths: GlyphWidths, page: number): VisualLine {
  items.sort((a, b) => a.x - b.x);
  const sizes = new Map<number, number>();
  let text = '';
  let naturalWidth = 0;
  let right = Number.NEGATIVE_INFINITY;
  const cells: VisualLine['cells'] = [];
  for (const item of items) {
    sizes.set(item.height, (sizes.get(item.height) ?? 0) + item.str.length);
    const circled = circledFromKeys(item.str);
    const str = circled ?? item.str;
    const gap = item.x - right;
    const size = item.height || 1;
    const spaced = text !== '' && gap > wordGap * size && !/\s$/.test(text) && !/^\s/.test(str);
    text += (spaced ? ' ' : '') + str;
    naturalWidth += naturalWidthOf(item, widths) + (Number.isFinite(gap) ? Math.max(0, gap) : 0);
    const cell = cells.at(-1);
    if (cell && gap <= cellGap * size) {
      cell.text += (spaced ? ' ' : '') + str;
      cell.right = item.x + item.width;
    } else cells.push({ x: item.x, right: item.x + item.width, text: str });
    right = Math.max(right, item.x + item.width);
  }
  const size = [...sizes].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
  const first = items[0]!;
  return {
    page,
    x: first.x,
    y: first.y,
    right,
    naturalWidth,
    size,
    text: text.trim(),
    cells: cells.map((cell) => ({ ...cell, text: cell.text.trim() })),
  };
}
