/** The purpose of a statute with the aim of another: `이 법은 … 함으로써` + `… 이바지함을 목적으로 한다.` */
import type { Purpose } from '../extract/purposes.js';
import { likeness } from '../likeness.js';
import type { Falsehood } from './falsehood.js';

const tooAlike = 0.4;

export function exchangeClauses(purpose: Purpose, others: readonly Purpose[]): Falsehood[] {
  if (purpose.means === '' || purpose.end === '') return [];
  return others.flatMap((other) => {
    if (
      other.means === '' ||
      likeness(other.end, purpose.end) > tooAlike ||
      likeness(other.means, purpose.means) > tooAlike
    )
      return [];
    const change = (text: string, from: string, to: string): Falsehood => ({
      text,
      perturbation: 'clause',
      from,
      to,
      original: purpose.sentence,
      article: purpose.article,
      chunkIds: [purpose.article.first.chunkId],
      printed: purpose.sentence,
    });
    return [
      change(`${purpose.means} ${other.end}`, purpose.end, other.end),
      change(`${other.means} ${purpose.end}`, purpose.means, other.means),
    ];
  });
}
