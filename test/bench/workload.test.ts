import t from 'tap';
import { longQuestions, readQuestions, recombineChunks, zipfTerms } from '../../bench/workload.js';
import { classify } from '../../shared/question/classify.js';
import type { Chunk } from '../../shared/retrieval/chunk.js';

const chunk = (chunkId: string, source: string, content: string): Chunk => ({
  chunkId,
  content,
  source,
  title: source,
  section: '',
  domain: 'law',
  licence: 'MIT',
  effective: '',
  qualityScore: 5,
  tokenCount: 10,
  kind: 'prose',
  heading: '',
  publisher: '',
  url: '',
});

const chunks = [
  chunk('a#1', 'a', '가가 한다. 나나 한다.'),
  chunk('a#2', 'a', '다다 한다. 라라 한다. 마마 한다.'),
  chunk('b#1', 'b', '바바 한다.'),
];

t.test(
  'recombined chunks come after the real ones, and are made of sentences of their own document',
  async (t) => {
    const made = recombineChunks(chunks, 50, 1);
    t.equal(made.length, 50);
    t.same(made.slice(0, 3), chunks);
    t.equal(new Set(made.map(({ chunkId }) => chunkId)).size, 50);
    for (const { source, content, chunkId } of made) {
      const allowed = source === 'a' ? /^(?:[가나다라마]{2} 한다\. ?)+$/ : /^바바 한다\.$/;
      t.match(content, allowed, chunkId);
    }
    t.same(new Set(made.slice(3).map(({ source }) => source)), new Set(['a', 'b']));
  },
);

t.test('the same seed gives the same workload, another seed another', async (t) => {
  t.same(recombineChunks(chunks, 40, 7), recombineChunks(chunks, 40, 7));
  t.notSame(recombineChunks(chunks, 40, 7), recombineChunks(chunks, 40, 8));
  t.same(zipfTerms(3, 20, 1), zipfTerms(3, 20, 1));
  t.notSame(zipfTerms(3, 20, 1), zipfTerms(3, 20, 2));
});

t.test('Zipf words fall off with their rank', async (t) => {
  const words = zipfTerms(200, 100, 5).flatMap(({ morphemes }) => morphemes);
  const count = (word: string) => words.filter((other) => other === word).length;
  t.ok(count('w1') > 1.5 * count('w2'));
  t.ok(count('w2') > 2 * count('w8'));
});

t.test('long questions have about the length asked for and still end in choices', async (t) => {
  const questions = ['옳은 것은?\n1 가\n2 나\n3 다\n4 라', '틀린 것은?\n1 마\n2 바\n3 사\n4 아'];
  for (const question of longQuestions(questions, 5, 500, 3)) {
    t.ok(question.length <= 500 && question.length > 450, String(question.length));
    t.equal(classify(question).choices.length, 4);
  }
});

t.test('the real question file is the workload', async (t) => {
  t.equal((await readQuestions('test.csv')).length, 515);
});
