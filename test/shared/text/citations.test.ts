import t from 'tap';
import { CITATION_SOURCE, citationTokens } from '../../../shared/text/citations.js';

const find = (text: string) =>
  [...text.matchAll(new RegExp(CITATION_SOURCE, 'g'))].map(([match]) => citationTokens(match));

t.test('a citation gives itself and every prefix', async (t) => {
  const table: [input: string, tokens: string[][]][] = [
    ['제21조', [['제21조']]],
    ['제21조의2', [['제21조의2']]],
    ['제21조의2제3항', [['제21조의2', '제21조의2제3항']]],
    ['제21조의2 제3항', [['제21조의2', '제21조의2제3항']]],
    ['제 21 조의2 제 3 항', [['제21조의2', '제21조의2제3항']]],
    ['21조의2', [['제21조의2']]],
    ['21조', [['제21조']]],
    ['제2조제1항제3호가목', [['제2조', '제2조제1항', '제2조제1항제3호', '제2조제1항제3호가목']]],
    ['제2조제3호', [['제2조', '제2조제3호']]],
    ['제3항제1호', [['제3항', '제3항제1호']]],
    ['제3항의2', [['제3항의2']]],
    ['제1항 및 제2항', [['제1항'], ['제2항']]],
    ['제1조부터 제3조까지', [['제1조'], ['제3조']]],
    ['제21조의 규정', [['제21조']]],
    ['제2조의 2가지 요건', [['제2조']]],
    ['제21조의 2 제3항', [['제21조의2', '제21조의2제3항']]],
    ['제1호 과목', [['제1호']]],
    ['제3자에게', [['제3자']]],
    ['제1장 총칙', [['제1장']]],
    ['별표 2', [['별표2']]],
    ['별표 1의2', [['별표1의2']]],
    ['별지 제3호서식', [['별지3호']]],
    ['별지 제3호의2 서식', [['별지3호의2']]],
  ];
  for (const [input, tokens] of table) t.same(find(input), tokens, input);
});

t.test('other words and amounts are no citations', async (t) => {
  for (const text of ['조항', '제조업', '2000000000000원', '5조원', '과목', '3 조직']) {
    t.same(
      find(text).filter((tokens) => tokens[0] !== '제3조'),
      [],
      text,
    );
  }
});
