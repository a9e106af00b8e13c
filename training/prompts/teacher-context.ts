/**
 * What a teacher reads that sees more than the student: instead of what retrieval finds, the article that the
 * question was made from, and of a choice the true sentence that it was made from, or that contradicts it.
 */
import type { PromptPassage } from '../../shared/answering/student-prompt.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';
import type { QaPair } from '../formats/qa-pair.js';

/** Characters of an article whose sentence is not known. */
const maxArticleLength = 600;

export interface TeacherContext {
  /** For all choices together, and for open questions. */
  shared: PromptPassage[];
  /** For each choice alone. */
  ofChoice: PromptPassage[][];
}

/** null where none of the chunks is there. */
export function teacherContext(
  qa: QaPair,
  chunkOf: (id: string) => Chunk | undefined,
): TeacherContext | null {
  const chunks = qa.contextChunkIds.flatMap((id) => chunkOf(id) ?? []);
  const [first] = chunks;
  if (!first) return null;
  const articles = chunks.slice(0, 2).map(articleOf);
  const { statements } = qa;
  if (!statements) {
    const choices = qa.choices ?? [];
    return { shared: articles, ofChoice: choices.map(() => articles) };
  }
  const sentences = statements.map(({ source }) => sentenceOf(source, chunks));
  return { shared: merged(sentences), ofChoice: sentences.map((sentence) => [sentence]) };
}

function articleOf({ title, section, content }: Chunk): PromptPassage {
  return { title, section, content: content.slice(0, maxArticleLength).replace(/[\uD800-\uDBFF]$/u, '') };
}

function sentenceOf(source: string, chunks: readonly Chunk[]): PromptPassage {
  const { title, section } = chunks.find(({ content }) => content.includes(source)) ?? (chunks[0] as Chunk);
  return { title, section, content: source };
}

/** One passage for each section, with its sentences. */
function merged(sentences: readonly PromptPassage[]): PromptPassage[] {
  const bySection = new Map<string, PromptPassage>();
  for (const { title, section, content } of sentences) {
    const key = `${title}\n${section}`;
    const known = bySection.get(key);
    if (!known) bySection.set(key, { title, section, content });
    else if (!known.content.includes(content)) known.content += `\n${content}`;
  }
  return [...bySection.values()];
}
