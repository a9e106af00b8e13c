import t from 'tap';
import type { AnsweringContext, OpenAnswerer } from '../../../shared/answering/choice-scorer.js';
import {
  copiedFrom,
  isDegenerate,
  StudentOpenAnswerer,
} from '../../../shared/answering/student-open-answerer.js';
import { StudentPace } from '../../../shared/answering/student-pace.js';
import { StudentPrompt } from '../../../shared/answering/student-prompt.js';
import { ControlTokens } from '../../../shared/lm/control-tokens.js';
import { classify } from '../../../shared/question/classify.js';
import type { Passage } from '../../../shared/retrieval/retriever.js';
import { type FakeLanguageModelOptions, fakeLanguageModel } from '../../fixtures/fake-language-model.js';
import { smallChunk } from '../../fixtures/small-search.js';

const source = '백업 자료는 매일 한 번 만들고 다른 건물에 보관한다. 복구 훈련은 해마다 두 번 한다.';
const passages: Passage[] = [source, '방화벽의 규칙은 분기마다 점검한다.'].map((content, row) => ({
  rank: row + 1,
  row,
  chunk: smallChunk(`c${row}`, content),
  scores: { bm25: 1, faiss: 0.5, citation: 0, fused: 0.5, rerank: null },
}));
const support = { passage: passages[0] as Passage, evidence: '매일 한 번 만든다.', strength: 0.9 };
const evidence: OpenAnswerer = {
  answer: async () => ({ text: '근거의 글', confidence: 0.4, supports: [support] }),
};
const context: AnsweringContext = { classification: classify('백업을 설명하시오.'), passages };

function setUp(options: FakeLanguageModelOptions) {
  const model = fakeLanguageModel(options);
  const pace = new StudentPace();
  const prompt = new StudentPrompt(model, new ControlTokens([]));
  const answerer = new StudentOpenAnswerer({ model, prompt, passages: 1, evidence, pace });
  const heard: string[] = [];
  const ask = (more: Partial<AnsweringContext> = {}) =>
    answerer.answer({ ...context, ...more }, (piece) => heard.push(piece));
  return { ask, heard, model, pace };
}

t.test(
  'the student’s own words are the answer, with the evidence’s citations and what it cost',
  async (t) => {
    const { ask, heard, model } = setUp({
      write: () => ['\n ', '날마다 ', '사본을', ' 떠', ' ', '둔다.', ' \n'],
    });
    const { text, confidence, supports, usage } = await ask();
    t.equal(text, '날마다 사본을 떠 둔다.');
    t.equal(heard.join(''), text, 'what is heard adds up to it');
    t.equal(confidence, Math.exp(-0.5));
    t.strictSame(supports, [support]);
    t.match(usage, { cachedTokens: 2, completionTokens: 7 });
    t.match(model.generated, [{ maxNewTokens: 64, temperature: 0.3 }]);
  },
);

t.test('it reads as many passages as it is told', async (t) => {
  let prompt = '';
  const { ask } = setUp({
    write: (given) => {
      prompt = given;
      return ['날마다 사본을 뜬다.'];
    },
  });
  await ask();
  t.match(prompt, /백업 자료는 매일/);
  t.notMatch(prompt, /방화벽/);
});

t.test('a copied passage is restated with its source', async (t) => {
  const { ask } = setUp({ write: () => [source.slice(0, 30)] });
  const { text } = await ask();
  t.match(text, /「안내서」에 따르면 백업 자료는/);
});

t.test('nothing of use is no answer', async (t) => {
  for (const pieces of [[], [' ', '\n'], ['...', '!'], ['보안 '.repeat(20)], ['가나'.repeat(30)]]) {
    const { ask } = setUp({ write: () => pieces });
    t.match(await ask(), { text: '', confidence: 0, supports: [], usage: { cachedTokens: 2 } });
  }
});

t.test('the caller’s signal ends the writing between two tokens', async (t) => {
  const stop = new AbortController();
  const { ask, heard } = setUp({
    write: () => {
      const pieces = Array.from({ length: 50 }, (_, i) => `단어${i} `);
      return pieces;
    },
  });
  const reason = new Error('went');
  const asked = ask({ signal: stop.signal });
  stop.abort(reason);
  await t.rejects(asked, reason);
  t.ok(heard.length < 50);
});

t.test('repetition is seen, ordinary text is not taken for it', async (t) => {
  const lost = [
    '',
    '?!.,',
    '네 네 네 네 네',
    '보안 관리 보안 관리 보안 관리 보안 관리',
    '금융회사는금융회사는금융회사는금융회사는금융회사는금융회사는',
    'OOOOOOOOOOOO',
    '글 \uFFFD\uFFFD\uFFFD',
  ];
  for (const text of lost) t.ok(isDegenerate(text), text);
  const fine = [
    '5%',
    '매일 한 번 백업하고, 매주 한 번 점검하며, 매달 한 번 복구를 훈련한다.',
    '첫째, 기밀성이다. 둘째, 무결성이다. 셋째, 가용성이다.',
    '전자금융거래의 안전성과 신뢰성을 확보하기 위하여 선량한 관리자로서의 주의를 다하여야 한다.',
    'SHA-256',
    '제21조의2제3항',
    '과징금은 100,0000000000000원 이하이며 위반 행위의 정도를 고려한다.',
  ];
  for (const text of fine) t.notOk(isDegenerate(text), text);
});

t.test('a copy is known by its longest run, whatever its spaces and marks', async (t) => {
  t.equal(copiedFrom('백업 자료는, 매일 한번 만들고 “다른” 건물에 보관한다', passages), passages[0]);
  t.equal(copiedFrom('백업 자료는 매일 만든다.', passages), undefined, 'too short to be a copy');
  const own = '사본은 하루에 한 차례 떠서 다른 장소에 두며, 되살리는 연습도 한 해 두 차례 해야 한다.';
  t.equal(copiedFrom(own, passages), undefined);
});
