import t from 'tap';
import type {
  EvidencePassage,
  EvidenceQuestion,
  TermText,
} from '../../../shared/answering/evidence-features.js';
import { excerptsOf, stretchOf } from '../../../shared/answering/excerpts.js';
import { compactText } from '../../../shared/text/longest-run.js';
import { wordTokenizer } from '../../fixtures/small-search.js';

function termText(text: string): TermText {
  const { morphemes, bigrams } = wordTokenizer.tokenize(text);
  return { text, morphemes: new Set(morphemes), bigrams: new Set(bigrams) };
}

function passageOf(title: string, ...sentences: string[]): EvidencePassage {
  const text = sentences.join(' ');
  return {
    ...termText(text),
    title,
    section: '제1조',
    compact: compactText(text),
    units: sentences.map(termText),
  };
}

function questionOf(stem: string, choices: string[], passages: EvidencePassage[]): EvidenceQuestion {
  const near = { nearest: 0, meanNearness: 0, nearStem: 0, nearestTogether: 0 };
  return {
    ...{ stem, stemTerms: wordTokenizer.tokenize(stem), passages, idf: () => 1 },
    choices: choices.map((text) => ({ text, terms: wordTokenizer.tokenize(text), passages: [], ...near })),
    scores: passages.map(() => 1),
    agreed: passages.map(() => true),
  };
}

t.test('each choice has its sentence, in the order of the text, under its source', (t) => {
  const law = passageOf(
    '법률',
    '백업은 매일 한다.',
    '아무 상관이 없는 문장이다.',
    '접속기록은 일 년 보관한다.',
  );
  const guide = passageOf('안내서', '암호는 분기마다 바꾼다.');
  const shown = excerptsOf(
    questionOf('관리', ['암호는 바꾼다', '접속기록은 보관한다', '백업은 매일'], [law, guide]),
  );
  t.strictSame(
    shown.find(({ title }) => title === '법률'),
    { title: '법률', section: '제1조', content: '백업은 매일 한다.\n접속기록은 일 년 보관한다.' },
  );
  t.equal(shown.find(({ title }) => title === '안내서')?.content, '암호는 분기마다 바꾼다.');
  t.end();
});

t.test('an open question gets the sentences that hold most of it; nothing found, nothing shown', (t) => {
  const law = passageOf('법률', '백업은 매일 한다.', '암호는 바꾼다.');
  t.strictSame(
    excerptsOf(questionOf('백업은 언제', [], [law])).map(({ content }) => content),
    ['백업은 매일 한다.'],
  );
  t.strictSame(excerptsOf(questionOf('백업', ['가'], [])), []);
  t.strictSame(excerptsOf(questionOf('없는 말', ['다른 말'], [law])), []);
  t.end();
});

t.test('what is shown has an end, and no choice goes without', (t) => {
  const sentences = Array.from({ length: 40 }, (_, i) => `항목${i} ${'긴 말이 이어진다 '.repeat(20)}`.trim());
  const choices = ['항목1', '항목2', '항목3', '항목4', '항목5'].map((item) => `${item} 긴 말이`);
  const shown = excerptsOf(questionOf('물음', choices.slice(0, 2), [passageOf('법률', ...sentences)]));
  const text = shown.map(({ content }) => content).join('\n');
  t.match(text, /항목1 /);
  t.match(text, /항목2 /);
  t.ok(text.length < 700, `${text.length}`);
  t.end();
});

t.test('a long sentence is cut to what the choice meets', (t) => {
  const text = `${'앞말 '.repeat(100)}접속기록을 보관한다 ${'뒷말 '.repeat(100)}`.trim();
  const { bigrams } = wordTokenizer.tokenize('접속기록을 보관');
  const cut = stretchOf(text, bigrams);
  t.match(cut, /^… .*접속기록을 보관한다.* …$/);
  t.ok(cut.length < 180, `${cut.length}`);
  t.equal(stretchOf('짧은 말', []), '짧은 말');
  t.ok(stretchOf('가'.repeat(5_000), []).length < 400, 'a single word has an end too');
  t.end();
});
