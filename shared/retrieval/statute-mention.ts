/**
 * Finds the statutes and articles that a question names, and the documents they mean.
 *
 * A name ends in 법, 법률, 규정 or 고시, perhaps with 시행령 or 시행규칙 after it. How many words it has is not
 * known, so of the words before the end as many as possible are taken:
 *
 *   1. a whole title, spaces, brackets, quotes and middle dots aside: `개인정보보호법`, `「개인정보 보호법」`;
 *   2. else a short name: `신용정보법` for 신용정보의 이용 및 보호에 관한 법률, `정보통신망법`, `특금법`. Its characters
 *      occur in the title in order, and both begin alike: with the same two characters, or one where the name has
 *      at most three before 법 (a long one may begin later: `통신사기피해환급법`). The title that leaves out the fewest characters wins, with all of its dated versions.
 *
 * A decree (시행령, 시행규칙), a regulation (규정), a notice (고시) and an Act are never taken for each other.
 * Not covered: names that stand for an earlier one (`같은 법`), and statutes that the corpus does not hold.
 */

export interface StatuteMention {
  /** As written, without spaces. */
  name: string;
  /** Titles of the corpus it means; several where dated versions exist. */
  titles: string[];
  /** Articles named right after it, e.g. `제21조의2`; empty: the statute as a whole. */
  articles: string[];
}

/** Not `법인`, `법정`, `규정하는`: words and verbs that begin like the end of a name. */
const nameEnd =
  /(?:법률|법(?!인|정|원|적|무|령|규|칙|학|제(?!\s?\d))|(?:규정|고시)(?![하한되된]))(?:\s?(?:시행령|시행규칙))?/gu;
/** Words that end like a statute and are none. */
const noName =
  /(?:방|기|수|문|불)법$|^(?:[위용화해입사합적편탈민형상헌]|특별|기본|일반|관련|관계|현행|개정|같은|동|이|그|본|해당|개별|다른|타)?(?:법|법률|규정|고시)(?:시행령|시행규칙)?$/u;
const maxWords = 14;
const maxShortWords = 3;
/** Longest stretch before the end of a name that is searched for it, characters. */
const maxNameLength = 60;
/** A name of so many characters before 법 fits by chance so rarely that it may begin unlike its title. */
const longName = 6;
/** How far after its statute an article may stand, characters. */
const articleReach = 60;

const article =
  /(?<![\d,.])(?:제\s?)?(\d{1,4})\s?조(?:의(\d{1,3})|의\s(\d{1,3})(?!\d|(?!제)[가-힣]))?(?=$|[^가-힣]|의|에|와|제|를|는|상|부터|까지|또는)/gu;

/** Articles named anywhere in a text, normalised to `제N조` or `제N조의M`, without repeats. */
export function articlesIn(text: string): string[] {
  const articles = new Set<string>();
  for (const [, number, branch, spaced] of text.matchAll(article)) {
    const suffix = branch ?? spaced;
    articles.add(`제${number}조${suffix ? `의${suffix}` : ''}`);
  }
  return [...articles];
}

interface Title {
  title: string;
  /** Without spaces, marks and date. */
  compact: string;
  kind: string;
}

/** Knows the titles of a corpus and resolves mentions against them. */
export class StatuteDirectory {
  readonly #titles: readonly Title[];
  readonly #byName = new Map<string, string[]>();
  readonly #cache = new Map<string, string[]>();

  /** @param titles of all documents; those that are no statutes are left aside. */
  constructor(titles: Iterable<string>) {
    this.#titles = [...new Set(titles)]
      .map((title) => {
        const name = compact(title.replace(/\(\d{4}-\d{2}-\d{2}\)$/u, ''));
        return { title, compact: name, kind: kindOf(name) };
      })
      .filter(({ compact: name, kind }) => kind !== '' && !noName.test(name));
    for (const { title, compact: name } of this.#titles) {
      this.#byName.set(name, [...(this.#byName.get(name) ?? []), title]);
    }
  }

  mentions(text: string): StatuteMention[] {
    const ends = [...text.matchAll(nameEnd)].map((match) => ({
      start: match.index,
      end: match.index + match[0].length,
    }));
    const found: StatuteMention[] = [];
    for (const [index, { end }] of ends.entries()) {
      const after = ends[index + 1]?.start ?? text.length;
      const known = this.#longestKnown(text.slice(Math.max(0, end - maxNameLength), end));
      if (known)
        found.push({ ...known, articles: articlesIn(text.slice(end, Math.min(after, end + articleReach))) });
    }
    return found;
  }

  /** The longest run of last words that is a title; else the longest that is a short name. */
  #longestKnown(text: string): { name: string; titles: string[] } | undefined {
    const words = text.split(/\s+/u).slice(-maxWords);
    const names = words.map((_, first) => compact(words.slice(first).join('')));
    const whole = names.find((name) => this.#byName.has(name));
    if (whole !== undefined) return { name: whole, titles: this.resolve(whole) };
    const short = names.slice(-maxShortWords).find((name) => this.resolve(name).length > 0);
    return short === undefined ? undefined : { name: short, titles: this.resolve(short) };
  }

  /** Titles that a name without spaces means; empty if none fits. */
  resolve(name: string): string[] {
    const titles = this.#byName.get(name) ?? this.#cache.get(name);
    if (titles) return titles;
    const resolved = this.#resolveShort(name);
    if (this.#cache.size < 10_000) this.#cache.set(name, resolved);
    return resolved;
  }

  #resolveShort(name: string): string[] {
    if (noName.test(name)) return [];
    const kind = kindOf(name);
    let best = Number.POSITIVE_INFINITY;
    let titles: string[] = [];
    for (const title of this.#titles) {
      const leftOut = title.kind === kind ? leftOutBy(stemOf(name), title.compact) : Number.POSITIVE_INFINITY;
      if (leftOut < best) titles = [];
      best = Math.min(best, leftOut);
      if (leftOut === best && leftOut < Number.POSITIVE_INFINITY) titles.push(title.title);
    }
    return titles;
  }
}

/** Characters of the title that the name leaves out; Infinity if it does not abbreviate it. */
function leftOutBy(name: string, title: string): number {
  const alike = title.startsWith(name.slice(0, name.length <= 3 ? 1 : 2));
  if (name.length < (alike ? 2 : longName)) return Number.POSITIVE_INFINITY;
  let at = 0;
  for (const character of name) {
    at = title.indexOf(character, at) + 1;
    if (at === 0) return Number.POSITIVE_INFINITY;
  }
  return title.length - name.length + (alike ? 0 : maxNameLength);
}

/** An Act may be written 법 or 법률, so what stands before is compared. */
function stemOf(name: string): string {
  return name.replace(/(?:법률|법)(?:시행령|시행규칙)?$/u, '');
}

/** What a name ends in; empty: it names no statute. */
function kindOf(name: string): string {
  const end = /(?:시행령|시행규칙|규정|고시|법률?)$/u.exec(name)?.[0] ?? '';
  return end === '법률' ? '법' : end;
}

function compact(text: string): string {
  return text.replace(/[\s·ㆍ・「」『』()<>“”"'‘’]/gu, '');
}
