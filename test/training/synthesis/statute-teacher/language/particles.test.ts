import t from 'tap';
import {
  agreeing,
  type Particle,
  replaceWord,
  withParticle,
} from '../../../../../training/synthesis/statute-teacher/language/particles.js';

t.test('a particle follows the sound before it', async (t) => {
  const cases: [word: string, particle: Particle, expected: string][] = [
    ['위원회', '은', '위원회는'],
    ['금융감독원', '은', '금융감독원은'],
    ['위원회', '으로', '위원회로'],
    ['서울', '으로', '서울로'],
    ['법원', '으로', '법원으로'],
    ['“접근매체”', '이란', '“접근매체”란'],
    ['“거래지시법”', '이란', '“거래지시법”이란'],
    ['회사(외국 회사를 포함한다)', '이', '회사(외국 회사를 포함한다)가'],
    ['100분의 3', '을', '100분의 3을'],
    ['100분의 5', '을', '100분의 5를'],
    ['100분의 20', '을', '100분의 20을'],
    ['TCP', '은', 'TCP는'],
    ['SSL', '은', 'SSL은'],
  ];
  for (const [word, particle, expected] of cases) t.equal(withParticle(word, particle), expected);
});

t.test('a replaced word takes its particle along', async (t) => {
  t.equal(replaceWord('금융위원회는 정한다', 0, 5, '금융감독원장'), '금융감독원장은 정한다');
  t.equal(replaceWord('비율은 100분의 10을 넘는다', 4, 12, '100분의 5'), '비율은 100분의 5를 넘는다');
  t.equal(replaceWord('30일 이내에 낸다', 0, 3, '3개월'), '3개월 이내에 낸다');
});

t.test('what only begins like a particle stays', async (t) => {
  t.equal(agreeing('법원', '가격을'), '가격을');
  t.equal(agreeing('회사', '이내'), '이내');
});
