/** What a guide says, changed: a word for its opposite, another thing, a denial. */
import t from 'tap';
import { randomFor } from '../../../../../training/synthesis/statute-teacher/choosing.js';
import { guideStatementsOf } from '../../../../../training/synthesis/statute-teacher/extract/guide-statements.js';
import { Library } from '../../../../../training/synthesis/statute-teacher/library.js';
import type { PerturbationName } from '../../../../../training/synthesis/statute-teacher/perturb/falsehood.js';
import { falsehoodsOf } from '../../../../../training/synthesis/statute-teacher/perturb/perturbation-table.js';
import { articleChunk } from '../real-chunks.js';

function statements(text: string) {
  const content = `${text}\n비대칭키, 모든, 비동기`;
  const chunk = articleChunk('', '암호', text, { kind: 'prose', content, title: '암호 기술' });
  const library = new Library([chunk]);
  const article = library.articleOf(chunk);
  return { library, statements: article ? guideStatementsOf(article) : [] };
}

function made(name: PerturbationName, text: string): string[] {
  const { library, statements: found } = statements(text);
  const [statement] = found;
  if (!statement) throw new Error('the guide makes no statement');
  return falsehoodsOf(statement, { library, random: randomFor('guide') }, new Set([name])).map(
    ({ text: told }) => told,
  );
}

t.test('sentences that name what they are about, in the plain style', async (t) => {
  const text = [
    '대칭키 암호는 암호화와 복호화에 같은 키를 사용합니다.',
    '이는 속도가 빠르다는 장점이 있습니다.',
    '이번 강의에서는 공개키 암호를 살펴보겠습니다.',
    '- 해시 함수: 해시 함수는 임의의 길이를 고정된 길이로 바꾸는 함수입니다.',
    '키의 길이가 충분한 것이 중요합니다. 자세한 것은 https://example.org 를 봅니다.',
  ].join('\n');
  t.same(
    statements(text).statements.map(({ text: told }) => told),
    [
      '대칭키 암호는 암호화와 복호화에 같은 키를 사용한다.',
      '해시 함수는 임의의 길이를 고정된 길이로 바꾸는 함수이다.',
    ],
  );
});

t.test('a word is turned into the one it is taught against', async (t) => {
  t.same(made('contrast', '대칭키 방식은 키의 길이가 짧아도 충분한 보안 강도를 가진다.'), [
    '비대칭키 방식은 키의 길이가 짧아도 충분한 보안 강도를 가진다.',
  ]);
  t.same(made('contrast', '동기화 기법은 여러 작업의 실행 순서를 정하여 주는 일이다.'), []);
  t.same(made('contrast', '방화벽은 정해진 규칙에 따라 일부 패킷의 통과를 막는다.'), [
    '방화벽은 정해진 규칙에 따라 모든 패킷의 통과를 막는다.',
  ]);
  t.same(
    made('contrast', '방화벽은 정해진 규칙에 따라 모든 패킷의 통과를 막는다.'),
    [],
    'what holds of all holds of some',
  );
});

t.test('what is said of one thing is said of another of the same text', async (t) => {
  const text = [
    '해시 함수는 임의의 길이를 고정된 길이로 바꾸는 함수이다.',
    '전자서명은 보낸 사람의 신원을 확인하게 하여 주는 기술이다.',
  ].join('\n');
  t.same(made('topic', text), ['전자서명은 임의의 길이를 고정된 길이로 바꾸는 함수이다.']);
});

t.test('what is said is denied', async (t) => {
  const cases = [
    ['방화벽은 정해진 규칙에 따라 패킷의 통과를 허용한다.', '허용하지 않는다.'],
    ['방화벽은 정해진 규칙에 따라 패킷을 걸러 낼 수 있다.', '걸러 낼 수 없다.'],
    ['방화벽은 암호화된 패킷의 내용을 확인하지 않는다.', '확인한다.'],
    ['방화벽은 정해진 규칙에 따라 외부의 접속을 막는다.', '막지 않는다.'],
    ['방화벽은 규칙을 자주 고치는 일이 무엇보다 필요하다.', '필요하지 않다.'],
  ] as const;
  for (const [text, ending] of cases) t.ok(made('denial', text)[0]?.endsWith(ending), text);
  t.same(made('denial', '방화벽은 걸러 낼 규칙을 관리자가 직접 만든다.'), [], 'its stem cannot be told');
});
