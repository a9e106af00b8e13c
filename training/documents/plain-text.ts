/**
 * Plain text (UTF-8 or CP949) to blocks: paragraphs, list items, headings.
 *
 * Blank lines part paragraphs; a text without any has one paragraph a line. Inside a paragraph, a line that
 * fills at least 60 % of the widest line of the document and does not end a sentence was wrapped: it is joined
 * with the next. A line that starts with an item mark starts a list item. Headings: Markdown-like `# …`, a line
 * underlined with `===` or `---`, and numbered chapters (`제1장 …`, `제2절 …`).
 */
import type { Block, DocumentParser, ParsedDocument } from './document.js';
import { textOf } from './text-of.js';

const itemMark = /^\s*(?:[-*•·○●◦▪■□※❍]\s+|\(?\d{1,3}[.)]\s+|\(?[가-하][.)]\s+|[①-⑳]\s*)/u;
const sentenceEnd = /[.!?。:;)"'”’]$/u;

export const parsePlainText: DocumentParser = async (bytes, path): Promise<ParsedDocument> => {
  const lines = textOf(bytes, path)
    .split('\n')
    .map((line) => line.trimEnd());
  const width = Math.max(...lines.map((line) => line.length).filter((length) => length <= 200), 0);
  const wrapped = lines.some((line) => line === '') && width <= 120;
  const blocks: Block[] = [];
  let open: { kind: 'paragraph' | 'list-item'; text: string; lastLength: number } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const text = open.text.trim();
    blocks.push(
      open.kind === 'paragraph' ? { kind: 'paragraph', text } : { kind: 'list-item', text, depth: 0 },
    );
    open = undefined;
  };
  for (const [i, line] of lines.entries()) {
    const level = headingLevel(line, lines[i + 1] ?? '');
    if (line.trim() === '' || /^(?:={3,}|-{3,})$/u.test(line)) close();
    else if (level > 0) {
      close();
      blocks.push({ kind: 'heading', level, text: line.replace(/^#{1,6}\s+/u, '').trim() });
    } else if (itemMark.test(line)) {
      close();
      open = { kind: 'list-item', text: line.trim().replace(/^[-*•·]\s+/u, ''), lastLength: line.length };
    } else if (open === undefined) {
      open = { kind: 'paragraph', text: line.trim(), lastLength: line.length };
    } else if (!wrapped) {
      close();
      open = { kind: 'paragraph', text: line.trim(), lastLength: line.length };
    } else {
      const soft = open.lastLength >= width * 0.6 && !sentenceEnd.test(open.text);
      open.text += (soft ? ' ' : '\n') + line.trim();
      open.lastLength = line.length;
    }
  }
  close();
  const joined = blocks.flatMap((block) => (block.kind === 'table' ? [] : block.text.split('\n')));
  return { title: '', effective: '', blocks, lines: joined, warnings: [] };
};

/** 1..6, or 0 where `line` is no heading. */
function headingLevel(line: string, next: string): number {
  const hashes = /^(#{1,6})\s+\S/u.exec(line);
  if (hashes !== null) return (hashes[1] as string).length;
  if (line.trim() !== '' && line.length <= 80 && /^={3,}$/u.test(next)) return 1;
  if (line.trim() !== '' && line.length <= 80 && /^-{3,}$/u.test(next)) return 2;
  const chapter = /^\s*제\s?\d{1,3}(편|장|절|관)(?:\s|$)/u.exec(line);
  if (chapter === null || line.length > 60) return 0;
  return ['편', '장', '절', '관'].indexOf(chapter[1] as string) + 1;
}
