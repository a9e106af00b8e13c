/** What a statute is for: `이 법은 …함으로써 …에 이바지함을 목적으로 한다.` */
import type { Article } from '../library.js';
import { remembered } from '../remembered.js';

export interface Purpose {
  article: Article;
  sentence: string;
  /** Up to `…함으로써`, and what follows it; '' where there is no such joint. */
  means: string;
  end: string;
}

export const purposeOf = remembered((article: Article): Purpose | undefined => {
  if (article.section !== '제1조' || !/목적/u.test(article.heading)) return undefined;
  const sentence = article.provisions()[0]?.sentences[0]?.text;
  if (!sentence || !/^이 (?:법|고시|규정)은\s.{20,300}목적으로 한다\.$/u.test(sentence)) return undefined;
  if (/제\d+조|위임|시행에/u.test(sentence)) return undefined;
  const joint = /(?:함으로써|하여|하고),?\s/u.exec(sentence);
  const main = /^(.*?함으로써,?)\s(.+)$/u.exec(sentence);
  if (main) return { article, sentence, means: main[1] as string, end: main[2] as string };
  return {
    article,
    sentence,
    means: joint ? sentence.slice(0, joint.index + joint[0].trimEnd().length) : '',
    end: joint ? sentence.slice(joint.index + joint[0].length) : '',
  };
});
