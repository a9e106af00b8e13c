/** A word turned into its opposite, where a statute means one and not the other. */
import { replaceWord } from '../language/particles.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

/** Several for a word, that none is known for being false. */
const turns: readonly (readonly [RegExp, readonly string[]])[] = [
  [/(?<![가-힣])미리(?=\s)/gu, ['사후에', '그 후 7일 이내에', '그 후 지체 없이', '추후']],
  [/(?<![가-힣])사전에(?=\s)/gu, ['사후에', '그 후 지체 없이', '추후']],
  [/(?<![가-힣])사후에(?=\s)/gu, ['사전에', '미리']],
  [/(?<![가-힣])서면으로(?=\s)/gu, ['구두로', '전화로', '말로']],
  [/(?<![가-힣])문서로(?=\s)/gu, ['구두로', '전화로']],
  [/(?<![가-힣])매년(?=\s)/gu, ['3년마다', '매월', '2년마다', '매 분기']],
  [/(?<![가-힣])매월(?=\s)/gu, ['매 분기', '매년', '매주']],
  [/(?<![가-힣])분기별로(?=\s)/gu, ['반기별로', '매년', '매월']],
  [/(?<![가-힣])과반수(?=의\s)/gu, ['3분의 2 이상', '4분의 3 이상']],
  [/(?<![가-힣])과반수(?=로\s)/gu, ['3분의 1', '4분의 1']],
  [
    /(?<![가-힣])지체\s?없이(?=\s)/gu,
    ['30일 이내에', '3개월 이내에', '매년', '다음 연도까지', '60일 이내에'],
  ],
  [/(?<![가-힣])즉시(?=\s)/gu, ['30일 이내에', '7일 이내에', '3개월 이내에']],
  [/(?<![가-힣])정기적으로(?=\s)/gu, ['필요한 경우에 한하여', '사고가 발생한 경우에만']],
  [/(?<![가-힣])무상으로(?=\s)/gu, ['유상으로']],
  [/(?<![가-힣])직접(?=\s)(?!\s(?:또는|이나|ㆍ))/gu, ['제3자를 통하여', '대리인을 통하여']],
  [/(?<![가-힣])국내에(?=\s)(?!\s(?:또는|및))/gu, ['국외에']],
  [/(?<![가-힣])비공개(?=[로를을]\s)/gu, ['공개']],
  [/(?<=\S을\s|\S를\s|\S는\s|\S은\s)제외한(?=다\.|\s)/gu, ['포함한']],
  [/(?<![가-힣])정당한 사유 없이(?=\s)/gu, ['정당한 사유가 있더라도']],
  [/(?<![가-힣])유리하게(?=\s)/gu, ['불리하게']],
  [/(?<![가-힣])분리하여(?=\s)/gu, ['통합하여']],
  [/(?<=\S)의 동의를 받아(?=\s|야)/gu, ['의 동의 없이도']],
  [/(?<![가-힣])연대하여(?=\s)/gu, ['각자의 지분에 따라']],
];

export const turnWord: Perturbation = (statement) =>
  turns.flatMap(([word, opposites]) =>
    [...statement.text.matchAll(word)].flatMap((match) => {
      if (/동의/u.test(match[0]) && statement.text.startsWith('야', match.index + match[0].length)) return [];
      return opposites.map((opposite) =>
        falsehoodOf(statement, 'opposite', {
          text: replaceWord(statement.text, match.index, match.index + match[0].length, opposite),
          from: match[0],
          to: opposite,
        }),
      );
    }),
  );
