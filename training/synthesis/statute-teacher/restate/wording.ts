/**
 * Words for words: the older form of statutes and the form of today, and terms that the law treats alike. 지체 없이 and
 * 즉시, 통지 and 신고, 허가 and 인가 are not alike, and stay.
 */
import { agreeing, withParticle } from '../language/particles.js';
import { replacing, type Rewrite } from './rewrite.js';

export const wordings: readonly Rewrite[] = [
  // 하여 → 해, 아니하 → 않: one word in two spellings.
  replacing(0.6, /(위|대|관|의|통|인|향)하여(?=\s|,)/gu, (_all, stem) => `${stem}해`),
  replacing(0.6, /지 아니한다(?=\.|$)/gu, '지 않는다'),
  replacing(0.6, /지 아니하다(?=\.|$)/gu, '지 않다'),
  replacing(0.6, /지 아니([하한할함])(?!다)/gu, (_all, syllable) => `지 ${contracted[syllable] ?? ''}`),
  replacing(0.5, /(?<=[가-힣])하여야 /gu, '해야 '),
  replacing(0.5, /아니\s?된다/gu, '안 된다'),
  replacing(0.5, /(?<=[가-힣])하였/gu, '했'),
  replacing(0.5, /(?<=[가-힣])되었/gu, '됐'),
  replacing(0.5, /(?<![가-힣])당해(?=\s)/gu, '해당'),
  replacing(0.5, /(?<![가-힣])기타(?=\s)/gu, '그 밖의'),
  replacing(0.5, /(?<![가-힣])미리(?=\s)/gu, '사전에'),
  replacing(0.5, /(?<![가-힣])사전에(?=\s)/gu, '미리'),
  replacing(0.4, /(?<=\d(?:일|개월|년|시간|주)) 이내에(?=\s)/gu, ' 안에'),
  replacing(0.5, /(?<![가-힣])매년 1회/gu, '연 1회'),
  replacing(0.5, /(?<![가-힣])연 1회/gu, '매년 1회'),
  replacing(0.4, /(?<=[는은한된할될]) 경우에는(?=\s)/gu, ' 때에는'),
  replacing(0.3, /(?<=[는한된]) 경우에는(?=\s)/gu, ' 경우'),
  replacing(0.4, /(?<=[는은한된할될]) 때에는(?=\s)/gu, ' 경우에는'),
  replacing(0.5, /바에 의하여(?=\s)/gu, '바에 따라'),
  replacing(0.5, /필요하다고 인정하는 (경우|때)/gu, (_all, when) => `필요하다고 보는 ${when}`),
  replacing(0.4, /(?<=계획|대책|방안|기준|절차|정책)을 수립하여/gu, '을 마련하여'),
  replacing(0.4, /(?<=계획|대책|방안)을 수립ㆍ시행/gu, '을 세워 시행'),
  replacing(0.4, /(?<=에|에게|을|를) 의하지 아니하고/gu, ' 따르지 않고'),
  replacing(0.4, /(?<![가-힣])다음 연도(?=[의에\s])/gu, '그 이듬해'),
  replacing(0.5, /(?<![가-힣])누구든지 (?=.*(?:아니\s?된다|안 된다|못한다|없다)\.?$)/gu, '어느 누구도 '),
  replacing(0.3, /(?<=[가-힣])ㆍ(?=[가-힣])/gu, '·'),
  replacing(
    0.3,
    /(?<![가-힣])([가-힣]{2,8}(?<![적로게고며])) 또는(?=\s[가-힣]{2,8}(?:[을를은는]|에게|에서)\s)/gu,
    (_all, word) => withParticle(word, '이나'),
  ),
  replacing(
    0.3,
    /(?<![가-힣])([가-힣]{2,8}(?<![적로게고며])) 및(?=\s[가-힣]{2,8}(?:[을를은는]|에게|에서)\s)/gu,
    (_all, word) => withParticle(word, '과'),
  ),
  replacing(0.4, /주소, 성명|성명, 주소/gu, (all) => (all.startsWith('주소') ? '성명, 주소' : '주소, 성명')),
  replacing(0.4, /(?<![가-힣])상호간에(?=\s)/gu, '서로'),
  replacing(0.4, /갖추어야 한다/gu, '구비하여야 한다'),
  replacing(0.4, /(?<=[가-힣])할 때에는/gu, '하는 경우에는'),
  replacing(0.4, /한하여(?=\s)/gu, '한정하여'),
  replacing(0.4, /(?<=에) 한정하여(?=\s)/gu, ' 한하여'),
  // Of guides.
  replacing(0.5, /(?<=[을를]) 의미한다/gu, ' 뜻한다'),
  replacing(0.5, /(?<=[을를]) 말한다/gu, ' 의미한다'),
  replacing(0.4, /(?<=[을를]) 통해(?=\s)/gu, ' 이용하여'),
  replacing(0.4, /사용하여(?=\s)/gu, '이용하여'),
  replacing(0.4, /사용자/gu, '이용자'),
  replacing(0.4, /제공한다/gu, '제공해 준다'),
  replacing(0.4, /(?<=[가-힣])에 대한(?=\s)/gu, '에 관한'),
  replacing(0.4, /할 수 있게 (?:한다|해 준다|해준다)/gu, '할 수 있도록 한다'),
  replacing(0.4, /할 수 있도록 (?:한다|해 준다)/gu, '할 수 있게 한다'),
];

const contracted: Readonly<Record<string, string>> = { 하: '않', 한: '않은', 할: '않을', 함: '않음' };

/** `임원 또는 직원은` → `직원 또는 임원은`: of two plain words the order says nothing. */
export const exchangedOrder: Rewrite = {
  chance: 0.5,
  apply: (text) => {
    const told = text.replace(
      coordinated,
      (all, before: string, one: string, joint: string, other: string, rest: string) => {
        if (modifying.test(before) || one === other || !isNoun(one) || !isNoun(other)) return all;
        return `${before}${other} ${joint} ${one}${agreeing(one, rest)}`;
      },
    );
    return told === text ? null : told;
  },
};

const coordinated =
  /(^|[가-힣A-Za-z]+[.]?\s)([가-힣]{2,8}) (및|또는) ([가-힣]{2,8}?)((?:은|는|을|를|에게|에서)(?=\s))/u;
/** What stands before may belong to the first word alone. */
const modifying = /(?:[는은한된할될인의던진온간른쁜]|및|또는|등)\s$/u;

function isNoun(word: string): boolean {
  return !/(?:하|되|여|고|며|거나|지|에|의|을|를|은|는|로|와|과|이|가|등|서|게|도|만)$/u.test(word);
}
