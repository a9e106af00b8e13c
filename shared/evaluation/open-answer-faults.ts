/** What no open answer may be: empty, a copy of what was read, or that nothing was found. */
import { compactText, longestRun } from '../text/longest-run.js';

/** Of an answer without white space and marks: a run of one passage that is so much of it, and so long, is a copy. */
const copiedShare = 0.8;
const copiedLength = 20;

const source = '(?:문서|자료|지문|본문|근거|제시문|참고\\s?문헌|정보)';
const missing =
  '(?:찾을 수 없|확인할 수 없|확인되지 않|나와 있지 않|포함되어 있지 않|언급되어 있지 않|명시되어 있지 않|제시되어 있지 않|없습니다|없음)';
const refusal = new RegExp(
  [
    `${source}[^.!?\\n]{0,40}${missing}`,
    '(?:답변|답)(?:을|를)?\\s?(?:드릴|할|확정할|제공할|작성할)\\s?수\\s?없',
    '^\\s*(?:잘\\s?)?(?:모르겠|알 수 없습니다)',
  ].join('|'),
  'u',
);

export function isEmptyAnswer(answer: string): boolean {
  return !/[\p{L}\p{N}]/u.test(answer);
}

/** Whether it says that the documents do not tell. */
export function isRefusal(answer: string): boolean {
  return refusal.test(answer);
}

export function isCopy(answer: string, passages: readonly string[]): boolean {
  const compact = compactText(answer);
  if (compact.length < copiedLength) return false;
  return passages.some((passage) => longestRun(compact, compactText(passage)) >= copiedShare);
}
