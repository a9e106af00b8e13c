import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { sha256 } from '../../../../training/stages/stage.js';
import {
  contaminated,
  Decontamination,
} from '../../../../training/synthesis/decontamination/decontamination.js';
import { characterGrams, jaccard, wordGrams } from '../../../../training/synthesis/decontamination/grams.js';
import { pairTexts } from '../../../../training/synthesis/decontamination/pair-texts.js';

const stem = '접근매체의 위조로 생긴 손해를 누가 배상하는지에 대한 설명으로 옳은 것은?';
const choices = [
  '이용자가 먼저 부담하고 나중에 청구한다',
  '금융회사가 배상할 책임을 진다',
  '손해보험회사가 전부 부담한다',
  '위원회가 정한 비율로 나눈다',
];
const numbered = (texts: readonly string[]) => texts.map((text, i) => `${i + 1} ${text}`).join('\n');
const question = (stem: string, texts: readonly string[]) => ({
  question: stem,
  choices: [...texts],
  answer: '2',
});

async function opened(t: Test) {
  const dir = t.testdir();
  const test = `ID,Question\nT_7,"${stem}\n${numbered(choices)}"\nT_8,"망분리의 목적을 서술하시오."\n`;
  const dev =
    'Question,Answer\n"재해복구센터의 역할을 설명하시오.","주전산센터가 멈추었을 때 업무를 이어서 처리하는 예비 시설이다."\n';
  const paths = [join(dir, 'test.csv'), join(dir, 'dev.csv')];
  await writeFile(paths[0] as string, test);
  await writeFile(paths[1] as string, dev);
  return { paths, test, decontamination: await Decontamination.open(paths) };
}

t.test('a copy is found whatever the order of its choices, its marks and its spacing', async (t) => {
  const { paths, decontamination } = await opened(t);
  const [test] = paths;
  for (const copy of [
    question(stem, choices),
    question(stem, choices.toReversed()),
    question('전혀 다른 물음이지만 아래에서 맞는 것을 고르시오.', choices.toReversed()),
    question(
      stem.replaceAll(' ', ''),
      choices.map((choice) => `「${choice}」.`),
    ),
  ]) {
    const found = decontamination.likest(pairTexts(copy));
    t.match(found, { file: test, id: 'T_7' });
    t.ok((found?.likeness ?? 0) > 0.4, String(found?.likeness));
  }
  t.equal(decontamination.likest(pairTexts(question(stem, choices.toReversed())))?.likeness, 1);
});

t.test('a copy with some words changed is as like as it is', async (t) => {
  const { decontamination } = await opened(t);
  const changed = [
    choices[0],
    '금융회사가 배상할 책임을 지지 아니한다',
    choices[2],
    '법원이 정한다',
  ] as string[];
  const parts = [stem.replace('누가', '어느 쪽이'), ...changed];
  const measured = [stem, ...choices];
  const exact = Math.max(
    jaccard(characterGrams(parts), characterGrams(measured)),
    jaccard(wordGrams(parts), wordGrams(measured)),
    jaccard(characterGrams(parts.slice(0, 1)), characterGrams([stem])),
    jaccard(wordGrams(parts.slice(0, 1)), wordGrams([stem])),
  );
  t.ok(exact > 0.5 && exact < 1);
  t.equal(decontamination.likest(pairTexts(question(parts[0] as string, changed)))?.likeness, exact);
});

t.test('a question of another matter is unlike all', async (t) => {
  const { decontamination } = await opened(t);
  const other = question('신용정보회사의 겸업에 관하여 허용되지 않는 업무는 무엇인가?', [
    '채권추심',
    '조사',
    '평가',
  ]);
  t.ok((decontamination.likest(pairTexts(other))?.likeness ?? 0) < 0.1);
  t.equal(new Decontamination([]).likest(pairTexts(other)), null);
});

t.test('answers in words and explanations are compared too', async (t) => {
  const { paths, decontamination } = await opened(t);
  const answer = '주전산센터가 멈추었을 때 업무를 이어서 처리하는 예비 시설이다.';
  t.same(decontamination.likest(pairTexts({ question: '백업 시설이란 무엇인가?', answer })), {
    likeness: 1,
    file: paths[1],
    id: 'row 1',
  });
  t.equal(
    decontamination.likest(
      pairTexts({ ...question('다음 중 옳은 것은 무엇인가?', ['가', '나']), explanation: answer }),
    )?.likeness,
    1,
  );
});

t.test('files and comparisons are counted, and a file that is not there is an error', async (t) => {
  const { paths, test, decontamination } = await opened(t);
  t.match(decontamination.files, [
    { path: paths[0], sha256: sha256(test), questions: 2 },
    { path: paths[1], questions: 1 },
  ]);
  decontamination.likest([['가나다라']]);
  decontamination.likest([['가나다라'], ['마바사아']]);
  // Stem and whole of the first, a stem, a stem and an answer.
  t.equal(decontamination.comparisons, 3 * 5);
  await t.rejects(Decontamination.open([join(t.testdir(), 'no.csv')]), {
    code: 'FILE_NOT_FOUND',
    message: /synthesize\.decontaminate\.files/,
  });
  const broken = join(t.testdir({ 'broken.csv': 'Wrong\n1\n' }), 'broken.csv');
  await t.rejects(Decontamination.open([broken]), { code: 'CSV_MISSING_COLUMN' });
});

t.test('texts of any kind can be held against the measured questions', async (t) => {
  const { paths, decontamination } = await opened(t);
  const found = contaminated(decontamination, ['방화벽은 접속을 막는다.', '망분리의 목적을 서술하시오'], 0.3);
  t.same(found, [{ index: 1, likeness: 1, file: paths[0], id: 'T_8' }]);
  t.equal(
    contaminated(decontamination, ['망분리의 목적을 서술하시오'], 1).length,
    1,
    'the threshold is too like',
  );
});

t.test('the more alike of characters and words counts', async (t) => {
  const [one, other] = ['가나다라마바사아자차카타파하', '거너더러머버서어저처커터퍼허'];
  const path = join(t.testdir({ 'a.csv': `ID,Question\nT_1,"이 때 그 해 ${one}"\n` }), 'a.csv');
  const found = (await Decontamination.open([path])).likest([[`이 때 그 해 ${other}`]]);
  t.equal(found?.likeness, 1 / 3, 'one of three 4-grams of words, and hardly any of characters');
});
