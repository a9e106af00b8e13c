/**
 * Whether two pieces of Korean text that a line break separated belong to one word.
 *
 * Korean print breaks lines between any two syllables and drops the space where one stood, so the break itself
 * says nothing. A logistic model over hashed features does: the characters around the position, and the
 * pieces of the word on either side,
 *
 *     P(space) = 1 / (1 + exp(−Σ w[feature]))        w: one signed byte × `scale` per bucket
 *
 * Its weights come from `train-spacing.ts`. What the document itself says is weighed in: a word that stands
 * whole elsewhere (`은폐`) speaks against a space, pieces that stand apart elsewhere speak for one.
 */
import weightsFile from './spacing-weights.json' with { type: 'json' };

/** Buckets of the feature hash; a power of two. */
export const buckets = 1 << 17;
/** Value of one step of a stored weight. */
export const scale = 1 / 16;
/** Longest piece of a word that is a feature, characters. */
const longestPiece = 6;

/** FNV-1a over UTF-16 units, folded to the number of buckets. */
function bucketOf(template: number, a: string, b: string): number {
  let hash = (0x811c9dc5 ^ template) >>> 0;
  for (let i = 0; i < a.length; i++) hash = Math.imul(hash ^ a.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ 0x1f, 0x01000193);
  for (let i = 0; i < b.length; i++) hash = Math.imul(hash ^ b.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 15;
  return (hash >>> 0) & (buckets - 1);
}

/** Lengths of the character contexts: [left, right]. */
const windows: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 1],
  [1, 2],
  [2, 2],
  [3, 1],
  [1, 3],
  [3, 2],
  [2, 3],
  [3, 3],
  [2, 0],
  [0, 2],
  [3, 0],
  [0, 3],
];

/**
 * Buckets of the features of a position between `left` and `right` (text before and after, without the white
 * space in question; other spaces are as they stand).
 */
export function spacingFeatures(left: string, right: string): number[] {
  const a = straight(lastPiece(left));
  const b = straight(firstPiece(right));
  const before = straight(left.slice(-3));
  const after = straight(right.slice(0, 3));
  const features: number[] = [];
  for (const [template, [l, r]] of windows.entries())
    features.push(bucketOf(template, l === 0 ? '' : before.slice(-l), after.slice(0, r)));
  features.push(bucketOf(50, a, ''), bucketOf(51, '', b), bucketOf(52, a, b), bucketOf(53, a + b, ''));
  features.push(bucketOf(54, String(a.length), String(b.length)));
  return features;
}

/** Prints and transcriptions differ in their quotation marks and middle dots; the model does not. */
function straight(text: string): string {
  return text.replace(/[“”]/g, '"').replace(/[‘’]/g, "'").replace(/·/g, 'ㆍ');
}

function lastPiece(left: string): string {
  const from = Math.max(left.lastIndexOf(' ') + 1, left.length - longestPiece);
  return left.slice(from);
}

function firstPiece(right: string): string {
  const space = right.indexOf(' ');
  return right.slice(0, space < 0 || space > longestPiece ? longestPiece : space);
}

let weights: Int8Array | undefined;

/** Log-odds of a space between `left` and `right`, from the trained weights alone. */
export function spaceLogit(left: string, right: string): number {
  weights ??= new Int8Array(Buffer.from(weightsFile.weights, 'base64'));
  let sum = 0;
  for (const feature of spacingFeatures(left, right)) sum += weights[feature]!;
  return sum * scale;
}

/** The words of one document, and the decision for each of its line breaks. */
export class SpacingModel {
  readonly #words = new Map<string, number>();

  /** Counts the words of one unbroken line; its first and last may be cut, so they do not count. */
  learn(line: string): void {
    const words = line.split(/\s+/).filter((word) => word !== '');
    for (const word of words.slice(1, -1)) this.#words.set(word, (this.#words.get(word) ?? 0) + 1);
  }

  /** Probability, 0..1, that a space belongs between `left` and `right`. */
  probability(left: string, right: string): number {
    if (/^[”’」』)\]>.,;:%]/.test(right) || /[“‘「『([<]$/.test(left)) return 0;
    // Latin words and numbers are not broken, so a break between two of them stands for a space
    if (
      /[^\uac00-\ud7a3\u3131-\u318e\u4e00-\u9fff\s/ㆍ·-]$/.test(left) &&
      /^[\p{Script=Latin}\d]/u.test(right)
    )
      return 1;
    if (right.startsWith('"') && (left.split('"').length - 1) % 2 === 1) return 0;
    if (left.endsWith('"') && left.split('"').length % 2 === 0) return 0;
    const a = /\S*$/.exec(left)?.[0] ?? '';
    const b = /^\S*/.exec(right)?.[0] ?? '';
    const whole = this.#words.get(a + b) ?? 0;
    const apart = Math.min(this.#words.get(a) ?? 0, this.#words.get(b) ?? 0);
    const logit = spaceLogit(left, right) + Math.log((apart + 1) / (whole + 1));
    return 1 / (1 + Math.exp(-logit));
  }
}
