/**
 * A parsed document that is no statute to chunks.
 *
 *     title, headings   become `title`, `section` (`3 > 3.1`) and `heading`; the heading opens the content
 *     body              sections of 300 to 600 tokens: small ones merged, long ones cut at sentence ends with
 *                       10 to 20 % overlap; where lists dominate, at most 400 tokens with about 20 repeated
 *     table             stays in its section while it is small; else a chunk of its own, cut between rows with
 *                       the header row repeated
 *     code              kept to its first lines: it shows what the text talks about
 *     controls          one control, one chunk
 *
 * `chunkId` = `<path without extension>#<section>`, with `@n` where a section gives several chunks.
 */
import type { Chunk, ChunkKind } from '../../shared/retrieval/chunk.js';
import { countTokens } from '../../shared/text/token-count.js';
import type { ParsedDocument, SourceEntry } from '../documents/document.js';
import { withoutBoilerplate } from './boilerplate.js';
import { type PackOptions, packSentences, prose, type Sentence, shortForm } from './pack-sentences.js';
import { blockTokens, type ContentBlock, mergeParts, partsOf, type Section } from './sections.js';
import { sentencesOf } from './sentences-of.js';
import { qualityOf } from './quality.js';
import { rowLine, splitTable } from './split-table.js';

/** Tokens up to which a table stays in the text around it. */
const inlineTableTokens = 150;
/** Tokens and lines of a code block that are kept. */
const codeTokens = 120;
const codeLines = 15;

interface Draft {
  path: readonly string[];
  content: string;
  kind: ChunkKind;
}

/** Cuts prose, tables and lists. Empty where nothing but boilerplate is left. */
export function cutProse(document: ParsedDocument, source: SourceEntry): Chunk[] {
  const { title, parts } = partsOf({ ...document, blocks: withoutBoilerplate(document.blocks) });
  const drafts = mergeParts(parts, prose.min, prose.max).flatMap(cutSection);
  const effective = document.effective || source.effective;
  return finish(drafts, { ...source, title: title || source.title, effective });
}

/** Cuts certification controls: heading `id title`, then the text. */
export function cutControls(document: ParsedDocument, source: SourceEntry): Chunk[] {
  const { parts } = partsOf(document);
  return parts.map((part) => {
    const [id = '', ...words] = (part.path[0] ?? '').split(' ');
    const text = part.blocks.map(textOf).join('\n');
    return chunkOf(
      { path: [id], content: `${part.path[0]}\n${text}`, kind: 'control' },
      source,
      words.join(' '),
      `${stem(source.path)}#${id}`,
    );
  });
}

function cutSection(section: Section): Draft[] {
  const drafts: Draft[] = [];
  let flow: Sentence[] = [];
  const heading = section.path.at(-1) ?? '';
  let lists = 0;
  let shown = section.path;
  const emitFlow = (): void => {
    const options = lists > 0.6 * tokensOf(flow) ? shortForm : prose;
    drafts.push(
      ...packed(flow, heading, options).map((content) => ({
        path: section.path,
        content,
        kind: 'prose' as const,
      })),
    );
    flow = [];
    lists = 0;
  };
  for (const part of section.parts) {
    for (const [level, text] of part.path.entries()) {
      if (shown[level] === text && shown.slice(0, level).every((above, i) => above === part.path[i]))
        continue;
      flow.push({ text, separator: '\n', tokens: countTokens(text), endsParagraph: true, isHeading: true });
    }
    shown = part.path;
    for (const block of part.blocks) {
      if (block.kind === 'table' && blockTokens(block) > inlineTableTokens) {
        const lead =
          flow.length > 0 && tokensOf(flow) < 60 ? flow.splice(0).map((sentence) => sentence.text) : [];
        if (flow.length > 0) emitFlow();
        drafts.push(...cutTable(block.rows, part.path, lead));
      } else {
        if (block.kind === 'list-item') lists += blockTokens(block);
        flow.push(...sentencesOfBlock(block));
      }
    }
  }
  if (flow.length > 0) emitFlow();
  return drafts;
}

/** `lead`: the few lines that stood before the table and introduce it. */
function cutTable(rows: string[][], path: readonly string[], lead: readonly string[]): Draft[] {
  const heading = path.at(-1) ?? '';
  const room = prose.max - countTokens(heading) - countTokens(lead.join(' '));
  return splitTable(rows, room).map((table, i) => ({
    path,
    content: [heading, ...(i === 0 ? lead.filter((line) => line !== heading) : []), table]
      .filter((text) => text !== '')
      .join('\n'),
    kind: 'table' as const,
  }));
}

function packed(flow: readonly Sentence[], heading: string, options: PackOptions): string[] {
  const whole = tokensOf(flow);
  const room = countTokens(heading);
  const fitting = whole + room <= prose.max ? { ...options, max: prose.max } : options;
  return packSentences(flow, { ...fitting, max: fitting.max - room, target: fitting.target - room }).map(
    (span) => {
      const text = flow
        .slice(span.start, span.end)
        .map((sentence, i) => (i === 0 ? '' : sentence.separator) + sentence.text);
      return heading === '' ? text.join('') : `${heading}\n${text.join('')}`;
    },
  );
}

function sentencesOfBlock(block: ContentBlock): Sentence[] {
  if (block.kind === 'table') {
    const lines = block.rows.map(rowLine);
    return lines.map((text, i) => ({
      text,
      separator: '\n',
      tokens: countTokens(text),
      endsParagraph: i === lines.length - 1,
    }));
  }
  if (block.kind === 'code') {
    const text = shortCode(block.text);
    return [{ text, separator: '\n', tokens: countTokens(text), endsParagraph: true }];
  }
  return sentencesOf(textOf(block), shortForm.max / 2);
}

function textOf(block: ContentBlock): string {
  if (block.kind === 'table') return block.rows.map(rowLine).join('\n');
  if (block.kind !== 'list-item') return block.text;
  const mark = /^(?:\d{1,3}[.)]|[가-하][.)]|[①-⑳])\s?/u.test(block.text) ? '' : '- ';
  return `${'  '.repeat(Math.min(block.depth, 4))}${mark}${block.text}`;
}

/** The first lines of a code block, with `…` where some are left out. */
function shortCode(code: string): string {
  const lines = code.split('\n').filter((line) => line.trim() !== '');
  const kept: string[] = [];
  let tokens = 0;
  for (const line of lines.slice(0, codeLines)) {
    const short = line.length > 200 ? `${line.slice(0, 200)}…` : line;
    tokens += countTokens(short);
    if (tokens > codeTokens && kept.length > 0) break;
    kept.push(short);
  }
  return kept.length < lines.length ? [...kept, '…'].join('\n') : kept.join('\n');
}

function tokensOf(sentences: readonly Sentence[]): number {
  return sentences.reduce((sum, sentence) => sum + sentence.tokens, 0);
}

/** Numbers the drafts that share a section. */
function finish(drafts: readonly Draft[], source: SourceEntry): Chunk[] {
  const total = new Map<string, number>();
  for (const { path } of drafts) {
    const section = path.join(' > ');
    total.set(section, (total.get(section) ?? 0) + 1);
  }
  const used = new Map<string, number>();
  return drafts.map((draft) => {
    const section = draft.path.join(' > ');
    const n = (used.get(section) ?? 0) + 1;
    used.set(section, n);
    const suffix = (total.get(section) ?? 0) > 1 ? `@${n}` : '';
    return chunkOf(draft, source, draft.path.at(-1) ?? '', `${stem(source.path)}#${section}${suffix}`);
  });
}

function chunkOf(draft: Draft, source: SourceEntry, heading: string, chunkId: string): Chunk {
  const { content, kind } = draft;
  return {
    chunkId,
    content,
    source: source.path,
    title: source.title,
    section: draft.path.join(' > '),
    domain: source.domain,
    licence: source.licence,
    effective: source.effective,
    qualityScore: qualityOf({ content, source: source.path, heading, kind }),
    tokenCount: countTokens(content),
    kind,
    heading,
    publisher: source.publisher,
    url: source.url,
  };
}

function stem(path: string): string {
  return path.replace(/\.[^./]+$/u, '');
}
