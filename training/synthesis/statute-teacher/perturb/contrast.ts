/** A word of information technology turned into the one it is taught against: 대칭키 ↔ 비대칭키, 높은 ↔ 낮은. */
import { replaceWord } from '../language/particles.js';
import type { Library } from '../library.js';
import { remembered } from '../remembered.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

/** Either stands for the other. Words of one syllable, and stems, are bounded on the left. */
const pairs: readonly (readonly [string, string])[] = [
  ['대칭키', '비대칭키'],
  ['공개키', '개인키'],
  ['암호화', '복호화'],
  ['기밀성', '가용성'],
  ['무결성', '기밀성'],
  ['프로세스', '스레드'],
  ['스택', '큐'],
  ['TCP', 'UDP'],
  ['HTTPS', 'HTTP'],
  ['GET', 'POST'],
  ['클라이언트', '서버'],
  ['송신', '수신'],
  ['입력', '출력'],
  ['읽기', '쓰기'],
  ['삽입', '삭제'],
  ['증가', '감소'],
  ['높은', '낮은'],
  ['높아', '낮아'],
  ['높인다', '낮춘다'],
  ['높이', '낮추'],
  ['빠르', '느리'],
  ['빠른', '느린'],
  ['많은', '적은'],
  ['큰', '작은'],
  ['쉽게', '어렵게'],
  ['쉽다', '어렵다'],
  ['간단', '복잡'],
  ['정적', '동적'],
  ['동기', '비동기'],
  ['선점', '비선점'],
  ['물리', '논리'],
  ['내부', '외부'],
  ['상위', '하위'],
  ['부모', '자식'],
  ['수직', '수평'],
  ['사전', '사후'],
  ['예방', '탐지'],
  ['탐지', '복구'],
  ['허용', '차단'],
  ['공유', '독점'],
  ['독립적', '종속적'],
  ['중앙', '분산'],
  ['휘발성', '비휘발성'],
  ['가능', '불가능'],
  ['유연', '경직'],
  ['안전한', '취약한'],
  ['정상적인', '비정상적인'],
  ['줄인다', '늘린다'],
  ['줄이', '늘리'],
  ['늘어', '줄어'],
  ['강화', '약화'],
  ['향상', '저하'],
  ['자동', '수동'],
  ['실시간', '사후'],
  ['단일', '다중'],
  ['순차', '임의'],
  ['연결형', '비연결형'],
  ['명시적', '묵시적'],
  ['컴파일', '런타임'],
  ['저장 시', '전송 중'],
  ['모놀리식', '마이크로서비스'],
  ['온프레미스', '클라우드'],
  ['하드웨어', '소프트웨어'],
  ['정성적', '정량적'],
  ['관리적', '기술적'],
  ['기술적', '물리적'],
  ['개별', '일괄'],
  ['항상', '드물게'],
];
/** Only one way: what holds of all holds of some. */
const turns: readonly (readonly [string, string])[] = [
  ['일부', '모든'],
  ['대부분의', '모든'],
];

const swaps = [
  ...pairs.flatMap(([one, other]) => [
    { from: one, to: other },
    { from: other, to: one },
  ]),
  ...turns.map(([from, to]) => ({ from, to })),
];

/** A word that the guides seldom use would be known for a false one. */
const rarest = 0.4;

/** How often guides and controls use each of the words. */
const usesIn = remembered((library: Library): ReadonlyMap<string, number> => {
  const texts = library.documents.flatMap(({ articles }) =>
    articles
      .filter(({ first }) => first.kind !== 'article' && first.kind !== 'addendum')
      .map(({ first }) => first.content),
  );
  const words = new Set(swaps.flatMap(({ from, to }) => [from, to]));
  return new Map(
    [...words].map((word) => [word, texts.reduce((sum, text) => sum + text.split(word).length - 1, 0)]),
  );
});

export const contrastWord: Perturbation = (statement, { library }) =>
  swaps.flatMap(({ from, to }) => {
    const { text } = statement;
    const uses = usesIn(library);
    if ((uses.get(to) ?? 0) < rarest * (uses.get(from) ?? 0)) return [];
    const at = text.indexOf(from);
    if (at < 0 || text.includes(from, at + 1) || text.includes(to)) return [];
    if (/[가-힣A-Za-z]/u.test(text[at - 1] ?? ' ')) return [];
    if (text.startsWith('화', at + from.length)) return [];
    // `비대칭키` holds 대칭키, `HTTPS` holds HTTP.
    if (/[A-Za-z]/u.test(from.at(-1) ?? '') && /[A-Za-z]/u.test(text[at + from.length] ?? '')) return [];
    return [
      falsehoodOf(statement, 'contrast', {
        text: replaceWord(text, at, at + from.length, to),
        from,
        to,
      }),
    ];
  });
