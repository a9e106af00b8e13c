/**
 * The sentence that opens a list as the name of what is listed:
 *
 *   발기인은 정관에 다음 각 호의 사항을 적어야 한다.         → 발기인이 정관에 적어야 하는 사항
 *   다음 각 호의 경우에는 위원회는 인가를 취소할 수 있다.    → 위원회가 인가를 취소할 수 있는 경우
 *   설립등기사항은 다음 각 호와 같다.                        → 설립등기사항
 *
 * Only where the noun belongs to the predicate of the sentence; in `다음 각 호의 사항을 적은 신청서를 제출하여야
 * 한다` it belongs to another, and null is given.
 */
import { adnominal } from '../language/modal.js';
import { withParticle } from '../language/particles.js';

export function relativePhrase(lead: string, mark: string, noun: string): string | null {
  if (/말한다\.?$/u.test(lead)) return null;
  const at = lead.indexOf(mark);
  const before = lead.slice(0, at);
  const after = lead.slice(at + mark.length);
  if (/^다음(?:의)? 각 ?호와 같다\.?$/u.test(lead.slice(at))) {
    const name = /^(.{2,60}?)(?:은|는)\s$/u.exec(before)?.[1];
    return name && !/[은는]\s/u.test(name) ? name : null;
  }
  const joint =
    /^(?:을|를|이|가|은|는|에는|에도|에만|에 한하여|에 한정하여|에 대하여는|에 대해서는|에 대하여|에 대해|에 관하여|에 관해|에|으로|로)(?:\s모두)?,?\s/u.exec(
      after.slice(noun.length),
    );
  if (!after.startsWith(noun) || !joint) return null;
  const rest = after.slice(noun.length + joint[0].length);
  if (/제외하고|외에는|^(?:한다|본다|구성|정한다)/u.test(rest)) return null;
  if (/^(?:모두\s)?[가-힣ㆍ]*(?:[한은된춘인킨친난든할]|하는|되는|갖춘|담은|적은)\s/u.test(rest)) return null;
  // What stands before the list describes it, not the predicate: `인력 양성과 관련된 다음 각 호의 사항이 포함되어야`.
  if (/(?:된|한|하는|되는|있는|할|의|등|인)\s$/u.test(before)) return null;
  // `위원이 다음 각 호에 해당하는 경우`: the members say something of the 위원, and need them.
  if (/[이가]\s$/u.test(before)) return null;
  if (/^[을를]/u.test(joint[0]) && /[가-힣](?<![또서고에게로하되있없])[은는]\s/u.test(rest)) return null;
  const predicate = adnominal(rest);
  if (predicate === null) return null;
  const phrase = `${subject(before)}${subject(predicate)} ${noun}`
    .replace(/에는(?=\s)/gu, '에')
    .replace(/\s+/gu, ' ')
    .trim();
  return phrase.length <= 110 && !/다음/u.test(phrase) ? phrase : null;
}

/** The topic becomes the subject of the clause: 발기인은 → 발기인이; 계획에는 → 계획에. */
function subject(text: string): string {
  for (const match of text.matchAll(/(?<=[가-힣A-Za-z)ㆍ])(에는|에게는|은|는)(?=\s)/gu)) {
    const name = text.slice(0, match.index);
    const rest = text.slice(match.index + match[0].length);
    if (match[0] === '에는') return `${name}에${rest}`;
    if (match[0] === '에게는') return `${name}에게${rest}`;
    // 하는, 있는, 받은, 적은: a verb that describes what follows.
    if (/(?:하|되|있|없|않|받|려|지|따르|그|적|같|높|많|낮|또|서|고|로|만|까지|부터|게)$/u.test(name))
      continue;
    return withParticle(name, '이') + rest;
  }
  return text;
}
