/**
 * Statutes as Markdown: a YAML front matter (제목, 법령구분, 공포일자, 시행일자, 출처, 첨부파일 …), `##### 제1조 (목적)`
 * as the heading of an article, `#` to `####` for parts to subsections, `**①**` for paragraphs, indented
 * `1\.` and `가\.` for items, `## 부칙` above the addenda.
 *
 * It is a format of its own: items are no Markdown lists, and their numbers must stay as printed.
 */
import { parse as parseYaml } from 'yaml';
import { HaetaeError, messageOf } from '../../shared/errors.js';
import type { Block, DocumentParser } from '../documents/document.js';

const frontMatter = /^\ufeff?---\r?\n([\s\S]*?)\r?\n---\r?\n/;

/** True for Markdown whose front matter is that of a statute. */
export function isStatuteMarkdown(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 16_384)).toString('utf8');
  return /^\ufeff?---\r?\n/.test(head) && /^법령구분:/m.test(head) && /^시행일자:/m.test(head);
}

/** Parses one statute in Markdown. Rejects with DOCUMENT_EMPTY or DOCUMENT_DAMAGED. */
export const parseStatuteMarkdown: DocumentParser = async (bytes, path) => {
  const text = Buffer.from(bytes).toString('utf8');
  if (text.trim() === '') throw new HaetaeError('DOCUMENT_EMPTY', `${path}: the file is empty.`, { path });
  const front = frontMatter.exec(text);
  const fields = fieldsOf(front?.[1] ?? '', path);
  const blocks: Block[] = [];
  for (const raw of text.slice(front?.[0].length ?? 0).split(/\r?\n/)) {
    const line = plainLine(raw);
    if (line === '') continue;
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (heading) blocks.push({ kind: 'heading', level: heading[1]!.length, text: heading[2]!.trim() });
    else blocks.push({ kind: 'paragraph', text: line });
  }
  return {
    title: asText(fields.제목),
    effective: asText(fields.시행일자),
    blocks,
    lines: blocks.map((block) => ('text' in block ? block.text : '')),
    warnings: [],
  };
};

/** Takes away the marks of Markdown and image tags; the words stay. */
export function plainLine(line: string): string {
  return line
    .replace(/<\/?img\b[^>]*>/gi, '')
    .replace(/\*\*([^*]*)\*\*/g, '$1')
    .replace(/\\([\\`*_{}[\]()#+\-.!|<>~])/g, '$1')
    .trim();
}

function fieldsOf(yaml: string, path: string): Record<string, unknown> {
  try {
    const fields: unknown = parseYaml(yaml, { schema: 'core' });
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : {};
  } catch (error) {
    throw new HaetaeError(
      'DOCUMENT_DAMAGED',
      `${path}: its front matter is not YAML (${messageOf(error)}).`,
      { path },
    );
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}
