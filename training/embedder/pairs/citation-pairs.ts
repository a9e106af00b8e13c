/**
 * Pairs of a sentence and the article that it cites, the citation taken out of the sentence: what an article rests
 * on is about the same thing in other words. `제21조` is of the same document; `법 제21조` in a decree is of the Act
 * before it; `「다른 법률」 제21조` of the document with that title.
 */
import { articleKey } from '../../evaluation/article-queries.js';
import { type PairText, sentencesOf, stretchesOf, undated, withoutCitations } from './pair-text.js';
import { familyOf, isReadable, type RetrievalPair } from './retrieval-pair.js';
import { splitSentences } from '../../../shared/text/sentences.js';

/** Group 1: a title, 2: `법` or `영` before it, 3: the article. */
const citation = /(?:「([^」]{2,60})」\s*|(?<![가-힣])(법|영)\s*)?(제\d+조(?:의\d+)*)/gu;
/** Sentences that cite more rest on none of them. */
const mostCitations = 2;

export function citationPairs(texts: readonly PairText[]): RetrievalPair[] {
  const byKey = new Map<string, PairText>();
  for (const text of texts) {
    const key = articleKey(text);
    if (!byKey.has(key)) byKey.set(key, text);
  }
  return texts.flatMap((text) => pairsOf(text, byKey));
}

function pairsOf(text: PairText, byKey: ReadonlyMap<string, PairText>): RetrievalPair[] {
  const pairs: RetrievalPair[] = [];
  const done = new Set([articleKey(text)]);
  const title = undated(text.title);
  const act = title.replace(/\s*(?:시행령|시행규칙)$/u, '');
  for (const { text: stretch } of stretchesOf(text)) {
    for (const sentence of splitSentences(stretch)) {
      const cited = [...sentence.matchAll(citation)];
      if (cited.length === 0 || cited.length > mostCitations) continue;
      const [query] = sentencesOf(withoutCitations(sentence));
      if (query === undefined) continue;
      for (const [, named, short, section] of cited) {
        const of = named ?? (short === '법' ? act : short === '영' ? `${act} 시행령` : title);
        const target = byKey.get(`${of}\n${section}`);
        if (target === undefined || done.has(articleKey(target))) continue;
        const [first] = stretchesOf(target);
        if (first === undefined) continue;
        done.add(articleKey(target));
        const pair = { kind: 'citation' as const, query, positive: first.passage };
        if (isReadable(pair))
          pairs.push({ ...pair, source: familyOf(text.title), article: articleKey(target) });
      }
    }
  }
  return pairs;
}
