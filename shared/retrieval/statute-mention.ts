/**
 * Finds the statutes and articles that a question names, and the documents they mean.
 *
 * People write short names: `신용정보법` for 신용정보의 이용 및 보호에 관한 법률, `정보통신망법`, `특금법`. A mention
 * fits a title if its characters occur in the title in order, beginning and ending with the mention's own; the
 * title with the fewest skipped characters wins. Spaces, brackets and middle dots do not count.
 */

export interface StatuteMention {
  /** As written, without spaces. */
  name: string;
  /** Titles of the corpus it means, best first; several where dated versions or equals exist. */
  titles: string[];
  /** Articles named right after it, e.g. `제21조의2`; empty: the statute as a whole. */
  articles: string[];
}

const nameEnd = '(?:특별법|기본법|법률|시행령|시행규칙|감독규정|규정|고시|법)';
const mentionPattern = new RegExp(
  `([가-힣A-Za-z0-9·ㆍ]{1,30}(?:\\s?(?:및|등에|관한|대한|의)\\s?[가-힣·ㆍ\\s]{1,40}?)?${nameEnd}(?:\\s?(?:시행령|시행규칙))?)`,
  'gu',
);
const articlePattern = /제?\s?(\d{1,4})\s?조(?:의\s?(\d{1,3}))?/gu;

/** Articles named anywhere in a text, normalised to `제N조` or `제N조의M`, without repeats. */
export function articlesIn(text: string): string[] {
  const articles = new Set<string>();
  for (const match of text.matchAll(articlePattern)) {
    articles.add(`제${match[1]}조${match[2] ? `의${match[2]}` : ''}`);
  }
  return [...articles];
}

/** Knows the titles of a corpus and resolves mentions against them. */
export class StatuteDirectory {
  readonly #titles: { title: string; compact: string }[];
  readonly #cache = new Map<string, string[]>();

  constructor(titles: Iterable<string>) {
    this.#titles = [...new Set(titles)].map((title) => ({ title, compact: compact(title) }));
  }

  mentions(text: string): StatuteMention[] {
    const found: StatuteMention[] = [];
    const names = [...text.matchAll(mentionPattern)];
    for (const [index, match] of names.entries()) {
      const end = match.index + match[0].length;
      const until = names[index + 1]?.index ?? text.length;
      const { name, titles } = this.#longestKnown(match[0]);
      if (titles.length === 0) continue;
      found.push({ name, titles, articles: articlesIn(text.slice(end, Math.min(until, end + 60))) });
    }
    return found;
  }

  /** A greedy match may begin too early (`다음 중 전자금융거래법`): drop leading words until a title fits. */
  #longestKnown(raw: string): { name: string; titles: string[] } {
    const words = raw.trim().split(/\s+/u);
    for (let first = 0; first < words.length; first++) {
      const name = compact(words.slice(first).join(''));
      const titles = this.resolve(name);
      if (titles.length > 0) return { name, titles };
    }
    return { name: compact(raw), titles: [] };
  }

  /** Titles a compact name means; empty if none fits. */
  resolve(name: string): string[] {
    const cached = this.#cache.get(name);
    if (cached) return cached;
    let best = Infinity;
    let titles: string[] = [];
    for (const { title, compact: full } of this.#titles) {
      const skipped = skippedCharacters(name, full);
      if (skipped < best) {
        best = skipped;
        titles = [];
      }
      if (skipped === best && skipped < Infinity) titles.push(title);
    }
    if (this.#cache.size < 10_000) this.#cache.set(name, titles);
    return titles;
  }
}

/** Characters of the title that the name leaves out; Infinity if the name does not fit. */
function skippedCharacters(name: string, title: string): number {
  if (name.length < 3 || name.length > title.length) return Infinity;
  if (isDecree(name) !== isDecree(title)) return Infinity;
  if (name === title) return 0;
  // An Act may be written 법 or 법률; compare what stands before.
  const wanted = name.replace(/(?:법률|법)(시행령|시행규칙)?$/u, '');
  if (wanted.length < 1) return Infinity;
  let at = 0;
  for (const character of wanted) {
    const next = title.indexOf(character, at);
    if (next < 0) return Infinity;
    at = next + 1;
  }
  const startsAlike = title.startsWith(wanted.slice(0, 2)) ? 0 : 8;
  const skipped = title.length - name.length + startsAlike;
  // Short names keep at least a fifth of the title; anything less is a coincidence of common characters.
  return wanted.length * 8 >= title.length || startsAlike === 0 ? skipped : Infinity;
}

function isDecree(name: string): string {
  return /시행령|시행규칙|규정|고시/u.exec(name)?.[0] ?? '';
}

function compact(text: string): string {
  return text.replace(/[\s·ㆍ・「」『』()<>]/gu, '');
}
