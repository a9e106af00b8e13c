/**
 * The corpus as articles in documents. An article is all chunks of one text (`제12조`, `제12조@2`); its versions
 * of other dates, and the variant that comes into force later, are kept beside it: what any of them says is not
 * false of it.
 *
 * Building it only files chunks; an article is read when it is first asked about.
 */
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { splitSentences } from '../../../shared/text/sentences.js';
import { articleKey } from '../../evaluation/article-queries.js';
import { type Provision, provisionsOf, withoutNotes } from './extract/provision.js';
import { bigrams, squeezed } from './likeness.js';
import { remembered } from './remembered.js';

export class Article {
  readonly provisions: () => readonly Provision[];

  constructor(
    /** The parts in order. */
    readonly chunks: readonly Chunk[],
    readonly document: LibraryDocument,
    /** Place among the articles of its document. */
    readonly place: number,
  ) {
    let read: Provision[] | undefined;
    this.provisions = () => {
      read ??= provisionsOf(this.chunks);
      return read;
    };
  }

  get first(): Chunk {
    return this.chunks[0] as Chunk;
  }

  get section(): string {
    return this.first.section;
  }

  get heading(): string {
    return this.first.heading;
  }

  /** Twin of an article in force, or a deleted one: nothing is asked of it. */
  get isAskable(): boolean {
    return !/\(시행 \d/u.test(this.first.chunkId) && this.first.qualityScore >= 5;
  }
}

export interface LibraryDocument {
  /** As printed, with its date where the title has one. */
  title: string;
  /** Without its date: the same for all versions. */
  id: string;
  articles: Article[];
}

export interface SaidSentence {
  text: string;
  bigrams: ReadonlySet<string>;
}

export class Library {
  readonly #articleOf = new Map<string, Article>();
  readonly #versions = new Map<string, Chunk[]>();
  readonly documents: readonly LibraryDocument[];

  constructor(chunks: readonly Chunk[]) {
    const documents = new Map<string, LibraryDocument>();
    const parts = new Map<string, Chunk[]>();
    for (const chunk of chunks) {
      const key = articleKey(chunk);
      if (isStatutory(chunk)) append(this.#versions, key, chunk);
      // Parts of one article; headings of a guide repeat, so there each chunk stands for itself.
      append(
        parts,
        isStatutory(chunk) ? `${chunk.kind}\n${chunk.chunkId.replace(/@\d+$/u, '')}` : chunk.chunkId,
        chunk,
      );
    }
    for (const [, group] of parts) {
      const { title } = group[0] as Chunk;
      let document = documents.get(title);
      if (!document) {
        document = { title, id: documentIdOf(title), articles: [] };
        documents.set(title, document);
      }
      const article = new Article(group, document, document.articles.length);
      document.articles.push(article);
      for (const chunk of group) this.#articleOf.set(chunk.chunkId, article);
    }
    this.documents = [...documents.values()];
  }

  /** Undefined where the corpus does not hold the chunk. */
  articleOf(chunk: Chunk): Article | undefined {
    return this.#articleOf.get(chunk.chunkId);
  }

  /** Every sentence that the article says, in any version and part; its items and its heading too. Of a guide all. */
  readonly saidBy = remembered((article: Article): readonly SaidSentence[] => {
    // A guide says in one part what it leaves out in another.
    const beside = isStatutory(article.first)
      ? (this.#versions.get(articleKey(article.first)) ?? [])
      : article.document.articles.flatMap((other) => other.chunks);
    const chunks = new Set([...article.chunks, ...beside]);
    const sentences: SaidSentence[] = [];
    for (const { content } of chunks)
      for (const line of content.split('\n'))
        for (const sentence of splitSentences(withoutNotes(line)))
          sentences.push({ text: sentence.trim(), bigrams: bigrams(sentence) });
    return sentences;
  });

  /** All of it, letters only. */
  readonly lettersOf = remembered((article: Article): string =>
    squeezed(
      this.saidBy(article)
        .map(({ text }) => text)
        .join(' '),
    ),
  );

  /** Other askable articles of the document, the nearest first. */
  readonly neighboursOf = remembered((article: Article): readonly Article[] =>
    article.document.articles
      .filter((other) => other !== article && other.first.kind === article.first.kind && other.isAskable)
      .sort(
        (a, b) => Math.abs(a.place - article.place) - Math.abs(b.place - article.place) || a.place - b.place,
      ),
  );
}

/** Title without a date: see `QaPair.documentId`. */
export function documentIdOf(title: string): string {
  return title.replace(/\(\d{4}-\d{2}-\d{2}\)$/u, '');
}

function isStatutory({ kind }: Chunk): boolean {
  return kind === 'article' || kind === 'control';
}

function append(map: Map<string, Chunk[]>, key: string, chunk: Chunk): void {
  const list = map.get(key);
  if (list) list.push(chunk);
  else map.set(key, [chunk]);
}
