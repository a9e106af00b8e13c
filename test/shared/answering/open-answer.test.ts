import t from 'tap';
import { EvidenceSource } from '../../../shared/answering/evidence-source.js';
import { EvidenceOpenAnswerer } from '../../../shared/answering/open-answer.js';
import { classify } from '../../../shared/question/classify.js';
import type { Embedder } from '../../../shared/retrieval/embedder.js';
import type { KeywordIndex } from '../../../shared/retrieval/keyword-index.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import type { Tokenizer } from '../../../shared/text/tokenize.js';
import { fakeRetrieval } from '../../fixtures/fake-results.js';

const asked: string[] = [];
const embedder = {} as Embedder;
/** Words without their last particle, so that `서명을` and `서명은` are one term. */
const tokenizer: Tokenizer = {
  tokenize: (text) => {
    asked.push(text);
    return {
      morphemes: text
        .split(/[\s.]+/u)
        .filter(Boolean)
        .map((word) => word.replace(/(?<=..)[을를은는이가의]$/u, '')),
      bigrams: [],
    };
  },
};

function setUp(contents: readonly string[], idf: (term: string) => number = () => 1) {
  const passages: Passage[] = contents.map((content, row) => {
    const passage = fakeRetrieval(content).passages[0]!;
    return {
      ...passage,
      row,
      rank: row + 1,
      chunk: { ...passage.chunk, chunkId: `c${row}`, section: `제${row + 1}조` },
    };
  });
  const source = new EvidenceSource(
    passages.map(({ chunk }) => chunk),
    tokenizer,
    embedder,
  );
  const keywords = { idf } as unknown as KeywordIndex;
  const answerer = new EvidenceOpenAnswerer({ tokenizer, keywords, source });
  return (question: string) => answerer.answer({ classification: classify(question), passages });
}

t.test('the sentences that hold what was asked are restated with their source', async (t) => {
  const answer = setUp([
    '서버는 매일 두 번 점검하여야 한다. 전자서명은 서명자를 확인하는 정보를 말한다.',
    '회의는 분기마다 한 번 이상 열어야 한다.',
  ]);
  const { text, confidence, supports } = await answer('전자서명이 확인하는 정보를 설명하시오.');
  t.match(text, /^전자금융거래법 제1조에 따르면 전자서명은 서명자를 확인하는/);
  t.notMatch(text, /회의|서버/);
  t.equal(confidence, 3 / 4, 'all of it is held, but it is three terms only');
  t.match(supports, [{ evidence: /전자서명은/, strength: 1, passage: { row: 0 } }]);
});

t.test('the instruction is no part of what is asked', async (t) => {
  const answer = setUp(['전자서명은 서명자를 확인하는 정보를 말한다.']);
  asked.length = 0;
  await answer('전자서명에 대해 간략히 설명하시오.');
  t.equal(asked[0], '전자서명');
});

t.test('sentences that repeat one another are not all chosen', async (t) => {
  const same = '전자서명은 서명자를 확인하는 정보이다.';
  const answer = setUp([same, same, '전자서명의 효력은 서명과 같은 것으로 본다.']);
  const { supports } = await answer('전자서명을 설명하시오.');
  const rows = supports.map(({ passage }) => passage.row);
  t.strictSame(rows.slice(0, 2).sort(), [0, 2], 'what is new comes before what is said already');
});

t.test('without evidence there is no answer', async (t) => {
  for (const contents of [[], ['회의는 분기마다 한 번 이상 열어야 한다.']]) {
    t.strictSame(await setUp(contents)('전자서명을 설명하시오.'), { text: '', confidence: 0, supports: [] });
  }
});

t.test(
  'in a collection of one document, words of the question that it lacks do not silence it',
  async (t) => {
    const document = '백업 자료는 매일 만들고 다른 건물에 보관한다.';
    const held = new Set(tokenizer.tokenize(document).morphemes);
    // BM25's idf of a term in the one document, and of one in none.
    const answer = setUp([document], (term) => Math.log(1 + (held.has(term) ? 0.5 / 1.5 : 1.5 / 0.5)));
    t.match((await answer('백업 자료는 얼마나 자주 만들어야 합니까?')).text, /백업 자료는 매일 만들고/);
    t.equal((await answer('회의는 누가 여는가?')).text, '');
  },
);

t.test('a short statement is an answer, a heading of as few words is none', async (t) => {
  const answer = setUp(['2. 백업 개요\n백업은 매일 한다.']);
  const { supports } = await answer('백업은 언제 하는가?');
  t.strictSame(
    supports.map(({ evidence }) => evidence),
    ['백업은 매일 한다.'],
  );
});

t.test('hostile questions take no time to speak of', async (t) => {
  const answer = setUp(['전자서명은 서명자를 확인하는 정보이다.']);
  for (const part of [' ', '\n', '을 ', '을  ', '간략히 ', '1', '두 ', '에 대해']) {
    const started = performance.now();
    await answer(`a${part.repeat(Math.floor(19_000 / part.length))}b`);
    t.ok(performance.now() - started < 1000, JSON.stringify(part));
  }
});
