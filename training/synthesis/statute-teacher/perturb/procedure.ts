/** Another procedure: `금융위원회의 승인을 받아야 한다` ↔ `금융위원회에 신고하여야 한다`. */
import { counterpartyOf } from '../extract/actors.js';
import { dative } from './counterparty.js';
import { falsehoodOf, type Perturbation } from './falsehood.js';

const granted = /^의 (승인|인가|허가)[을를] 받아야 한다\.$/u;
const told = /^에게?\s(?:그 사실을 |이를 )?(신고|보고|등록)하여야 한다\.$/u;

export const changeProcedure: Perturbation = (statement) => {
  const { text } = statement;
  const other = counterpartyOf(text);
  if (!other) return [];
  const before = text.slice(0, other.start);
  const after = text.slice(other.end);
  const grant = granted.exec(after)?.[1];
  if (grant !== undefined)
    return ['신고', '등록'].map((to) =>
      falsehoodOf(statement, 'procedure', {
        text: `${before}${dative(other.text)} ${to}하여야 한다.`,
        from: grant,
        to,
      }),
    );
  const telling = told.exec(after)?.[1];
  if (telling === undefined) return [];
  const matter = before.replace(/(?<=[가-힣])[을를]\s$/u, '에 대하여 ');
  return ['승인', '허가'].map((to) =>
    falsehoodOf(statement, 'procedure', {
      text: `${matter}${other.text}의 ${to}${to === '승인' ? '을' : '를'} 받아야 한다.`,
      from: telling,
      to,
    }),
  );
};
