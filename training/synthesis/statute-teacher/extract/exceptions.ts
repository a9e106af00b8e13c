/** Rules with one exception: `A는 B하여야 한다. 다만, C의 경우에는 그러하지 아니하다.` */
import type { Article } from '../library.js';
import { turned } from '../language/modal.js';
import { remembered } from '../remembered.js';
import { topicOf } from './actors.js';
import { selfContained } from './self-contained.js';
import { standing } from './statements.js';

export interface Exception {
  article: Article;
  paragraph: number;
  chunkIds: readonly string[];
  rule: string;
  /** A noun phrase in 경우 or 때. */
  condition: string;
  printed: string;
  /** `A는 C의 경우에는 B하지 아니할 수 있다.` */
  applied: string;
  /** `A는 C의 경우에도 B하여야 한다.`: what the article denies. */
  ignored: string;
}

const lifting = /^다만,?\s(.{6,120}?(?:경우|때))에는\s(?:그러하지\s(?:아니하다|않다)|예외로\s한다)\.$/u;
const sparing = /^다만,?\s(.{6,120}?(?:경우|때))(?:은|는)\s(?:예외로\s한다|제외한다)\.$/u;

export const exceptionsOf = remembered((article: Article): readonly Exception[] => {
  const found: Exception[] = [];
  for (const { paragraph, sentences } of article.provisions())
    for (const [i, { text, chunkId }] of sentences.entries()) {
      const before = sentences[i - 1];
      const clause = (lifting.exec(text) ?? sparing.exec(text))?.[1];
      if (!before || clause === undefined || i !== 1) continue;
      const rule = standing(before.text)?.text ?? null;
      const condition = selfContained(clause);
      if (
        rule === null ||
        condition === null ||
        /다음|이 (?:경우|때)|^그 밖에|^대통령령으로 정하는 경우$|(?:등|자|회사|기관|업자|위원회)(?:은|는)\s/u.test(
          condition,
        )
      )
        continue;
      const lifted = turned(rule);
      const actor = topicOf(rule);
      if (lifted === null) continue;
      const at = actor && actor.start === 0 ? actor.end + 1 : 0;
      const put = (sentence: string, particle: string): string =>
        `${sentence.slice(0, at)}${at > 0 ? ' ' : ''}${condition}${particle} ${sentence.slice(at).trimStart()}`;
      found.push({
        article,
        paragraph,
        chunkIds: [...new Set([chunkId, before.chunkId])],
        rule,
        condition,
        printed: `${before.text} ${text}`,
        applied: put(lifted, '에는'),
        ignored: put(rule, '에도'),
      });
    }
  return found;
});
