/**
 * Terms that the statutes define, and where: `“접근매체”란 …`, `"전자금융거래"라 함은 …` in articles on definitions.
 *
 * A question for the meaning of a term (`접근매체란 무엇인가`, `접근매체의 정의로 옳은 것은`) shares few words with the
 * definition itself, which is one item of a long article; so it is looked up.
 */
import type { Chunk } from './chunk.js';

const definingHeading = /정의|용어/u;
const definedTerm = /["“「]([^"”」\n]{2,40})["”」]\s?(?:이)?(?:란|라\s?함은|라\s?한다)/gu;
/** What precedes the asked-for meaning: up to six words, the last of which may carry 이란, 란 or 의. */
const asksMeaning =
  /([가-힣A-Za-z0-9·ㆍ()]{1,30}(?: [가-힣A-Za-z0-9·ㆍ()]{1,30}){0,5}?)(?:이란|란|["”'’]?(?:이란|란)|["”'’]?의\s?(?:법적\s?)?(?:정의|의미|개념|뜻)|에\s?대한\s?(?:정의|의미|개념))(?=[\s,.?을를은는이가로])/gu;

export class DefinitionDirectory {
  readonly #rows = new Map<string, number[]>();

  /** Only chunks on definitions are read. */
  constructor(chunks: readonly Chunk[]) {
    for (const [row, { kind, heading, content }] of chunks.entries()) {
      if (kind !== 'article' || !definingHeading.test(heading)) continue;
      for (const match of content.matchAll(definedTerm)) {
        const key = compact(match[1] as string);
        const rows = this.#rows.get(key);
        if (!rows) this.#rows.set(key, [row]);
        else if (!rows.includes(row)) rows.push(row);
      }
    }
  }

  /** Rows that define a term whose meaning the text asks for; empty where it asks for none that is known. */
  lookUp(text: string): readonly number[] {
    for (const match of ` ${text} `.replace(/["“”'‘’]/gu, '').matchAll(asksMeaning)) {
      const words = (match[1] as string).trim().split(' ');
      // The longest run of words before the mark that is a defined term: `신용정보법상 개인신용정보의 정의`.
      for (let first = 0; first < words.length; first++) {
        const term = compact(words.slice(first).join(''));
        // `정보통신망이란`: the 이 belongs to the mark where no term ends in it.
        const rows = this.#rows.get(term) ?? this.#rows.get(term.replace(/이$/u, ''));
        if (rows) return rows;
      }
    }
    return [];
  }
}

function compact(text: string): string {
  return text.replace(/[\s·ㆍ()]/gu, '');
}
