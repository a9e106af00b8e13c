import t from 'tap';
import type { Chunk } from '../../../shared/retrieval/chunk.js';
import { DefinitionDirectory } from '../../../shared/retrieval/definition-directory.js';
import { smallChunk } from '../../fixtures/small-search.js';

const definitions = (content: string, more: Partial<Chunk> = {}): Chunk =>
  smallChunk('x', content, { kind: 'article', heading: '정의', ...more });

const directory = new DefinitionDirectory([
  definitions('1. “접근매체”란 다음을 말한다.\n2. "전자금융 거래"라 함은 … 3. "정보통신망"이란 …'),
  definitions('"이용자"란 …\n“이용자”란 …', { heading: '용어의 뜻' }),
  definitions('"이용자"란 …', { title: '다른 법' }),
  definitions('"비밀번호"란 …', { heading: '안전성의 확보' }),
  definitions('"암호키"란 …', { kind: 'prose' }),
  definitions('"어린이"란 …'),
]);

t.test('the definition of the term asked for is found, however it is asked', async (t) => {
  const table: [question: string, rows: number[]][] = [
    ['접근매체란 무엇인가?', [0]],
    ['"접근매체"란?', [0]],
    ['접근매체의 정의로 옳은 것은?', [0]],
    ['접근매체에 대한 정의로 옳은 것은?', [0]],
    ['전자금융거래법상 접근매체의 법적 의미를 쓰시오', [0]],
    ['전자금융거래의 개념은?', [0]],
    ['정보통신망이란 무엇인가?', [0]],
    ['“정보통신망”이란?', [0]],
    ['이용자의 뜻은?', [1, 2]],
    ['어린이란 누구인가?', [5]],
    ['어린이의 정의', [5]],
  ];
  for (const [question, rows] of table) t.strictSame(directory.lookUp(question), rows, question);
});

t.test('nothing is found where no meaning is asked for, or of a term nobody defines', async (t) => {
  for (const question of [
    '접근매체를 분실하면 어떻게 하는가?',
    '방화벽이란 무엇인가?',
    '비밀번호란 무엇인가?',
    '암호키의 정의는?',
    '다음 중 옳은 것은?',
    '',
  ])
    t.strictSame(directory.lookUp(question), [], question);
});

t.test('terms with the names of properties are ordinary', async (t) => {
  t.strictSame(directory.lookUp('constructor란 무엇인가?'), []);
  t.strictSame(new DefinitionDirectory([definitions('"constructor"란 …')]).lookUp('constructor란?'), [0]);
});

t.test('hostile texts come to an end', async (t) => {
  for (const part of ['가', '가 ', '란', '가란', '의 정의', '에 대한 ', '(', `${'가'.repeat(30)} `])
    t.strictSame(directory.lookUp(part.repeat(Math.floor(19_000 / part.length))), [], part.slice(0, 9));
});
