/** A chunk of the knowledge base: one line of `chunks.jsonl`, the contract between `prepare` and `index`. */
import Type, { type Static } from 'typebox';

/** What a chunk was cut from; the splitter and the scorer treat them differently. */
export const ChunkKind = Type.Union([
  Type.Literal('article'), // a statute's article, or a part of one
  Type.Literal('addendum'), // an article or paragraph of the addenda (부칙)
  Type.Literal('appendix'), // an annexed table or form (별표, 별지)
  Type.Literal('control'), // a certification control
  Type.Literal('prose'),
  Type.Literal('table'),
]);
export type ChunkKind = Static<typeof ChunkKind>;

export const Chunk = Type.Object(
  {
    chunkId: Type.String({ minLength: 1, description: 'Unique and stable: `<document>#<section>[@part]`' }),
    content: Type.String({ minLength: 1, description: 'The original text; for a part, after its heading' }),
    source: Type.String({ minLength: 1, description: 'Path under data/raw, as in sources.csv' }),
    title: Type.String({ minLength: 1, description: 'Title of the document' }),
    section: Type.String({ description: 'Article (`제21조의2`) or heading path (`3 > 3.1`); may be empty' }),
    domain: Type.String({ description: '`law`, `security`, … as in sources.csv' }),
    licence: Type.String({ minLength: 1, description: 'SPDX-like name, e.g. `CC-BY-4.0`, `public-domain`' }),
    effective: Type.String({ description: 'ISO date from which the text is in force; empty if unknown' }),
    qualityScore: Type.Number({ minimum: 0, maximum: 10 }),
    tokenCount: Type.Integer({ minimum: 0 }),
    kind: ChunkKind,
    heading: Type.String({ description: 'Heading in words, e.g. `안전성의 확보의무`; may be empty' }),
    publisher: Type.String(),
    url: Type.String(),
  },
  { additionalProperties: false },
);
export type Chunk = Static<typeof Chunk>;
