/** The model of a Korean statute, whatever format it came in. */

/** Place of an article in its sequence: `제21조의2` → [21, 2]; `제50조의7` sorts after `제50조`. */
export type ArticleNumber = readonly number[];

export interface Article {
  /** `제21조의2`. */
  label: string;
  number: ArticleNumber;
  /** ` 부터 제10조까지`, as printed, where `제8조 부터 제10조까지 생략` stands for several articles. */
  rangeText?: string;
  /** Heading in words, without brackets; '' where there is none (deleted articles, old statutes). */
  heading: string;
  /** `제3장 …`, `제1절 …`: the headings it stands under. */
  chapterPath: string[];
  /** All that follows the heading: paragraphs, items, notes; one line each. */
  text: string;
  deleted: boolean;
  /** ISO date of a text that is not in force yet (`[시행일: 2025. 10. 2.] 제31조의2`). */
  variantEffective?: string;
  /** The statute also prints the text that is in force until then. */
  hasTwin?: boolean;
}

export interface Addendum {
  /** The line that opens it: `부칙 <제19734호, 2023. 9. 14.>`. */
  label: string;
  /** Text before its first article, or all of it where it has no articles. */
  text: string;
  articles: Article[];
}

export interface Appendix {
  /** `별표 1`, `별지 제2호서식`. */
  label: string;
  text: string;
}

export interface Statute {
  title: string;
  /** ISO, or ''. */
  effective: string;
  articles: Article[];
  addenda: Addendum[];
  appendices: Appendix[];
  /** Title, dates and offices above the first article: not part of the law. */
  metadata: string[];
  /** Headings of parts, chapters and sections in order. */
  chapters: string[];
  warnings: string[];
}

/** Negative where `a` comes before `b`; 0 where they are equal. */
export function compareNumbers(a: ArticleNumber, b: ArticleNumber): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `b` may directly follow `a` in a statute without gaps: the next number, or the next branch (의N). */
export function follows(a: ArticleNumber, b: ArticleNumber): boolean {
  if (b.length > a.length)
    return b.length === a.length + 1 && a.every((n, i) => n === b[i]) && b.at(-1) === 2;
  const last = b.length - 1;
  for (let i = 0; i < last; i++) if (a[i] !== b[i]) return false;
  return b[last] === (a[last] ?? 0) + 1;
}
