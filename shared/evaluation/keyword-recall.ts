/** What share of the words that an open answer has to hold it holds (DESIGN §3). */

/** The words of a cell `Keyword`, at commas and white space; null where it names none. */
export function keywordsOf(cell: string | undefined): string[] | null {
  const words = cell?.split(/[,\s]+/u).filter((word) => word !== '') ?? [];
  return words.length > 0 ? words : null;
}

/** 0..1: keywords that occur in the answer, letter by letter, wherever in a word. @param keywords at least one */
export function keywordRecall(keywords: readonly string[], answer: string): number {
  return keywords.filter((word) => answer.includes(word)).length / keywords.length;
}
