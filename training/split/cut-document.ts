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
import { packSentences, prose, type Sentence, shortForm } from './pack-sentences.js';
import { qualityOf } from './quality.js';
import { blockTokens, type ContentBlock, commonPath, mergeParts, partsOf, type Section } from './sections.js';
import { sentencesOf } from './sentences-of.js';
import { rowLine, splitTable } from './split-table.js';

/** Tokens up to which a table stays in the text around it. */
const inlineTableTokens = 150;
/** Tokens and lines of a code block that are kept. */
const codeTokens = 120;
const codeLines = 15;

/** Titles in `sources.csv` that are names of files and tell a reader nothing. */
const fileName = /^(?:README|_?index|\d\w*[_-]\S*)(?:\.\w+)*$/iu;

interface Draft {
  section: string;
  heading: string;
  content: string;
  kind: ChunkKind;
}

/** A sentence and the part of the document that it stands in. */
interface Placed extends Sentence {
  path: readonly string[];
}

/** Cuts prose, tables and lists. Empty where nothing but boilerplate is left. */
export function cutProse(document: ParsedDocument, source: SourceEntry): Chunk[] {
  const { title, mainHeading, parts } = partsOf({ ...document, blocks: withoutBoilerplate(document.blocks) });
  const sections = mergeParts(parts, prose.min, prose.max);
  const drafts = sections.flatMap((section) => cutSection(section, sections.length > 1));
  const effective = document.effective || source.effective;
  const named = (fileName.test(source.title) && mainHeading) || source.title;
  return finish(drafts, { ...source, title: title || named, effective });
}

/** Cuts certification controls: heading `id title`, then the text. */
export function cutControls(document: ParsedDocument, source: SourceEntry): Chunk[] {
  const drafts: (Draft & { id: string })[] = [];
  for (const block of document.blocks) {
    if (block.kind === 'heading') {
      const [id = '', ...words] = block.text.split(' ');
      drafts.push({ id, section: id, heading: words.join(' '), content: block.text, kind: 'control' });
    } else {
      const open = drafts.at(-1);
      if (open !== undefined) open.content += `\n${textOf(block)}`;
    }
  }
  return drafts.map((draft) => chunkOf(draft, source, `${stem(source.path)}#${draft.id}`));
}

/** `named`: the section is one of several, so its chunks say which. */
function cutSection(section: Section, named: boolean): Draft[] {
  const drafts: Draft[] = [];
  let flow: Placed[] = [];
  let shown: readonly string[] = [];
  const emitFlow = (): void => {
    drafts.push(...cutFlow(flow, named));
    flow = [];
  };
  for (const part of section.parts) {
    const { path } = part;
    // the headings above the first part are its context and stay out of the text
    const from = shown.length === 0 ? Math.max(0, path.length - 1) : commonPath([shown, path]).length;
    for (const text of path.slice(from)) {
      flow.push({
        text,
        path,
        separator: '\n',
        tokens: countTokens(text),
        endsParagraph: true,
        isHeading: true,
      });
    }
    shown = path;
    for (const block of part.blocks) {
      if (block.kind === 'table' && blockTokens(block) > inlineTableTokens) {
        const lead = tokensOf(flow) < 60 ? flow.splice(0).map((sentence) => sentence.text) : [];
        if (flow.length > 0) emitFlow();
        drafts.push(...cutTable(block.rows, path, lead));
      } else {
        flow.push(...sentencesOfBlock(block).map((sentence) => ({ ...sentence, path })));
      }
    }
  }
  if (flow.some((sentence) => !sentence.isHeading)) emitFlow();
  return drafts;
}

/** `lead`: the few lines that stood before the table and introduce it, its heading among them. */
function cutTable(rows: string[][], path: readonly string[], lead: readonly string[]): Draft[] {
  const heading = path.at(-1) ?? '';
  const above = lead.includes(heading) ? lead : [heading, ...lead];
  const room = prose.max - countTokens(above.join('\n'));
  return splitTable(rows, room).map((table, i) => ({
    section: path.join(' > '),
    heading,
    content: [...(i === 0 ? above : [heading]), table].filter((text) => text !== '').join('\n'),
    kind: 'table' as const,
  }));
}

function cutFlow(flow: readonly Placed[], named: boolean): Draft[] {
  const lists = tokensOf(flow.filter((sentence) => sentence.inList));
  const whole = tokensOf(flow);
  const options = lists > 0.6 * whole && whole > prose.max ? shortForm : prose;
  const room = whole <= options.max ? 0 : Math.max(...flow.map(({ path }) => countTokens(path.at(-1) ?? '')));
  const fitting = { ...options, max: options.max - room, target: options.target - room };
  return packSentences(flow, fitting).map(({ start, fresh, end }) => {
    const sentences = flow.slice(start, end) as [Placed, ...Placed[]];
    const above = sentences[0].isHeading ? '' : (sentences[0].path.at(-1) ?? '');
    const text = sentences.map((sentence, i) => (i === 0 ? '' : sentence.separator) + sentence.text).join('');
    const { section, heading } = placeOf(flow.slice(fresh, end), named);
    return { section, heading, content: above === '' ? text : `${above}\n${text}`, kind: 'prose' as const };
  });
}

/**
 * Section and heading of a chunk that covers one part, or several: `1. 교육 / 2. 점검` under the path that they
 * share; the first and the last where there are more than three.
 */
function placeOf(sentences: readonly Placed[], named: boolean): { section: string; heading: string } {
  const paths = [...new Map(sentences.map(({ path }) => [path.join(' > '), path])).values()];
  const common = commonPath(paths);
  if (paths.length === 1 || !named || paths.some((path) => path.length === common.length)) {
    return { section: common.join(' > '), heading: common.at(-1) ?? '' };
  }
  const names = [...new Set(paths.map((path) => path[common.length] as string))];
  const heading = names.length > 3 ? `${names[0]} / … / ${names.at(-1)}` : names.join(' / ');
  return { section: [...common, heading].join(' > '), heading };
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
  const sentences = sentencesOf(textOf(block), shortForm.max / 2);
  return block.kind === 'list-item'
    ? sentences.map((sentence) => ({ ...sentence, inList: true }))
    : sentences;
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
  for (const { section } of drafts) total.set(section, (total.get(section) ?? 0) + 1);
  const used = new Map<string, number>();
  return drafts.map((draft) => {
    const n = (used.get(draft.section) ?? 0) + 1;
    used.set(draft.section, n);
    const suffix = (total.get(draft.section) ?? 0) > 1 ? `@${n}` : '';
    return chunkOf(draft, source, `${stem(source.path)}#${draft.section}${suffix}`);
  });
}

function chunkOf(draft: Draft, source: SourceEntry, chunkId: string): Chunk {
  const { content, section, heading, kind } = draft;
  return {
    chunkId,
    content,
    source: source.path,
    title: source.title,
    section,
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
