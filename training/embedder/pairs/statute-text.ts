/**
 * Articles of statutes in plain text, as they are published in bulk: a title line, then articles, each a line with its
 * number and heading and the lines under it.
 *
 * ```
 * 전자금융거래법
 * 제1장 총칙
 * 제1조(목적)
 * 이 법은 …
 * ```
 */
import type { PairText } from './pair-text.js';

const headed = /^(제\d+조(?:의\d+)*)\((.*)\)$/u;
/** An article without a heading (deleted), or a chapter: what is under it is not read. */
const unheaded = /^제\d+(?:조(?:의\d+)*$|[편장절관])/u;

/** @param text of one statute */
export function articlesOf(text: string): PairText[] {
  const [title = '', ...lines] = text.split('\n').map((line) => line.replaceAll('**', '').trim());
  const articles: PairText[] = [];
  let open: { section: string; heading: string; body: string[] } | null = null;
  const close = () => {
    if (open !== null && open.body.length > 0) {
      const { section, heading, body } = open;
      const content = `${section}(${heading})\n${body.join('\n')}`;
      articles.push({ title, section, heading, kind: 'article', content });
    }
    open = null;
  };
  for (const line of lines) {
    const [, section, heading] = headed.exec(line) ?? [];
    if (section !== undefined && heading !== undefined) {
      close();
      open = { section, heading, body: [] };
    } else if (unheaded.test(line)) {
      close();
    } else if (line !== '') {
      open?.body.push(line);
    }
  }
  close();
  return articles;
}
