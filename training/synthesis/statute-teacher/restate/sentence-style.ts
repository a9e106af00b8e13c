/** How the sentences of a question end: as printed, or as notes: `하여야 함`, `할 수 있음`. */
import { finalConsonant, finalOf, withFinal } from '../language/hangul.js';

const m = 16;
/** Syllables before 다 whose stem may have lost its ㄹ. */
const lostL = /[든연건판단푼산안돈논민문끈운는]$/u;

/** `통지하여야 한다.` → `통지하여야 함`; null where the verb has no sure form. */
export function asNote(sentence: string): string | null {
  const body = /^(.*)다\.$/u.exec(sentence)?.[1];
  if (body === undefined) return null;
  if (/[있없]$/u.test(body)) return `${body}음`;
  if (/이$/u.test(body)) return `${body.slice(0, -1)}임`;
  if (/아니$/u.test(body)) return `${body.slice(0, -1)}님`;
  if (/[받얻않찾막]는$/u.test(body)) return `${body.slice(0, -1)}음`;
  if (/(?<=[가-힣])하$/u.test(body)) return `${body.slice(0, -1)}함`;
  const last = body.at(-1) ?? '';
  if (finalOf(last) !== finalConsonant.n || lostL.test(body)) return null;
  return `${body.slice(0, -1)}${withFinal(last, m)}`;
}
