/**
 * Text that stands more than once in the knowledge base.
 *
 * A chunk is dropped only where another one before it has the same text, title, section and effective date: it
 * could never be told apart. Everything else stays and is reported: documents that share at least half of the
 * smaller one's chunks, and titles that several documents carry (a statute as PDF and as Markdown, or in two
 * dated versions).
 */
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { sha256 } from '../stages/stage.js';

export interface Duplicates {
  /** Chunks left out, and the chunk that says the same. */
  dropped: { chunkId: string; source: string; sameAs: string }[];
  /** Pairs of documents with the same text; `share` 0..1 of the smaller one's chunks. */
  similarDocuments: { sources: [string, string]; share: number }[];
  /** Titles of more than one document, with the dates that tell them apart. */
  sameTitle: { title: string; documents: { source: string; effective: string }[] }[];
}

const similarShare = 0.5;
/** A text that stands in more documents than this is a formula of the trade and makes no pair. */
const maxDocumentsPerText = 8;

/** Chunks to keep, in order, with unique ids; and what was found. */
export function removeDuplicates(chunks: readonly Chunk[]): { kept: Chunk[]; duplicates: Duplicates } {
  const kept: Chunk[] = [];
  const dropped: Duplicates['dropped'] = [];
  const seen = new Map<string, string>();
  const ids = new Map<string, number>();
  for (const chunk of chunks) {
    const key = `${textKey(chunk)}\n${chunk.title}\n${chunk.section}\n${chunk.effective}`;
    const sameAs = seen.get(key);
    if (sameAs !== undefined) {
      dropped.push({ chunkId: chunk.chunkId, source: chunk.source, sameAs });
      continue;
    }
    const uses = (ids.get(chunk.chunkId) ?? 0) + 1;
    ids.set(chunk.chunkId, uses);
    const chunkId = uses === 1 ? chunk.chunkId : `${chunk.chunkId}~${uses}`;
    seen.set(key, chunkId);
    kept.push(uses === 1 ? chunk : { ...chunk, chunkId });
  }
  return { kept, duplicates: { dropped, similarDocuments: similar(chunks), sameTitle: sameTitles(chunks) } };
}

function textKey(chunk: Chunk): string {
  return sha256(chunk.content.replace(/\s+/gu, ' ').trim());
}

function similar(chunks: readonly Chunk[]): Duplicates['similarDocuments'] {
  const sizes = new Map<string, number>();
  const sourcesOf = new Map<string, Set<string>>();
  for (const chunk of chunks) {
    sizes.set(chunk.source, (sizes.get(chunk.source) ?? 0) + 1);
    const key = textKey(chunk);
    sourcesOf.set(key, (sourcesOf.get(key) ?? new Set()).add(chunk.source));
  }
  const shared = new Map<string, { sources: [string, string]; count: number }>();
  for (const sources of sourcesOf.values()) {
    if (sources.size < 2 || sources.size > maxDocumentsPerText) continue;
    const list = [...sources].sort();
    for (const [i, a] of list.entries()) {
      for (const b of list.slice(i + 1)) {
        const pair = shared.get(`${a}\n${b}`) ?? { sources: [a, b], count: 0 };
        pair.count += 1;
        shared.set(`${a}\n${b}`, pair);
      }
    }
  }
  return [...shared.values()]
    .map(({ sources, count }) => ({
      sources,
      share: Math.round((count / Math.min(...sources.map((source) => sizes.get(source) ?? 1))) * 100) / 100,
    }))
    .filter(({ share }) => share >= similarShare);
}

function sameTitles(chunks: readonly Chunk[]): Duplicates['sameTitle'] {
  const titles = new Map<string, Map<string, string>>();
  for (const { title, source, effective } of chunks) {
    const documents = titles.get(title) ?? new Map<string, string>();
    documents.set(source, effective);
    titles.set(title, documents);
  }
  return [...titles]
    .filter(([, documents]) => documents.size > 1)
    .map(([title, documents]) => ({
      title,
      documents: [...documents].map(([source, effective]) => ({ source, effective })),
    }));
}
