/**
 * Particles agree with the sound before them: 회사는, 은행은; 위원회로, 금융감독원으로, 서울로.
 * Numbers and Latin letters count as they are read (3을, 5를, SSL을); a closing bracket or quote is looked through.
 */
import { finalConsonant, finalOf } from './hangul.js';

/** After a consonant, after a vowel. */
const pairs = [
  ['은', '는'],
  ['이', '가'],
  ['을', '를'],
  ['과', '와'],
  ['으로', '로'],
  ['이란', '란'],
  ['이라', '라'],
  ['이나', '나'],
] as const;
export type Particle = (typeof pairs)[number][0];

/** Finals of 영 일 이 삼 사 오 육 칠 팔 구. */
const digitFinals = [21, 8, 0, 16, 0, 0, 1, 8, 8, 1];
/** Letters whose names end in a consonant: 엘, 엠, 엔, 알. */
const letterFinals: Readonly<Record<string, number>> = { l: 8, m: 16, n: 4, r: 8 };

/** The final of what is heard last; 0 where nothing can be told. */
function lastSound(word: string): number {
  const bare = word.replace(/(?:\([^()]*\)|[”"’'」』\s])+$/u, '');
  const last = bare.at(-1) ?? '';
  const hangul = finalOf(last);
  if (hangul >= 0) return hangul;
  if (last === '0' && /\d0$/u.test(bare)) return finalOf(/00$/u.test(bare) ? '백' : '십');
  if (/\d/u.test(last)) return digitFinals[Number(last)] ?? 0;
  return letterFinals[last.toLowerCase()] ?? 0;
}

function choose(word: string, [after, none]: (typeof pairs)[number]): string {
  const final = lastSound(word);
  const vowel = final === finalConsonant.none || (none === '로' && final === finalConsonant.l);
  return vowel ? none : after;
}

/** The word with the particle that fits it: 위원회 + 은 → 위원회는. */
export function withParticle(word: string, particle: Particle): string {
  const pair = pairs.find(([after]) => after === particle);
  return pair ? word + choose(word, pair) : word;
}

/** Longest first; a particle ends its word, or goes on as 로서, 로부터, 라는. */
const leading =
  /^(으로|이란|이라|이나|은|는|이|가|을|를|과|와|로|란|라|나)(?=[\s,.”"’'」)]|$|서|써|부터|는|도)/u;

/** What followed a replaced word, its particle made to agree with the new `word`. */
export function agreeing(word: string, rest: string): string {
  const match = leading.exec(rest)?.[1];
  const pair = pairs.find(([after, none]) => after === match || none === match);
  return match && pair ? choose(word, pair) + rest.slice(match.length) : rest;
}

/** `text` with the stretch from `start` to `end` replaced, and the particle after it made to agree. */
export function replaceWord(text: string, start: number, end: number, word: string): string {
  return text.slice(0, start) + word + agreeing(word, text.slice(end));
}
