/** Terms and what they mean: `“접근매체”란 … 정보를 말한다`. */
import type { Article } from '../library.js';
import { remembered } from '../remembered.js';
import { standAlone } from './self-contained.js';

export interface Definition {
  term: string;
  /** A noun phrase: `… 정보`. */
  meaning: string;
  article: Article;
  chunkId: string;
  printed: string;
}

const defining =
  /^(?:이 (?:법|영|규정|고시|규칙|훈령)에서\s)?[“"「']([^”"」']{2,30})[”"」'](?:\([^()]*\))?(?:이란|란|이라 함은|라 함은|은|는)\s(.{15,260}?)(?:을|를)\s말한다\.?$/u;
const delegated = /정하는|고시하는|(?:대통령|총리|부)령|^법$|^영$|다음/u;

export const definitionsOf = remembered((article: Article): readonly Definition[] => {
  const found: Definition[] = [];
  for (const { sentences, items } of article.provisions()) {
    const lines = [...sentences, ...items.filter((item) => !item.divided)];
    for (const { text, chunkId } of lines) {
      const alone = defining.exec(text);
      if (!alone || delegated.test(alone[1] as string)) continue;
      const stood = standAlone(alone[2] as string);
      if (stood === null || (stood.referred && stood.text.length < 45)) continue;
      const meaning = stood.text;
      if (meaning.length < 12 || meaning.length > 170 || /다음 각/u.test(meaning)) continue;
      if (found.some(({ term }) => term === alone[1])) continue;
      found.push({ term: alone[1] as string, meaning, article, chunkId, printed: text });
    }
  }
  return found;
});
