/** Content negotiation (RFC 9110 §12.5.1) between the forms in which a request can be answered. */

/** The media type that `accept` likes best; the first of several liked equally; undefined where it likes none. */
export function negotiate<T extends string>(accept: string | undefined, types: readonly T[]): T | undefined {
  const ranges = (accept ?? '*/*').split(',').map(parseRange);
  let best: T | undefined;
  let bestQuality = 0;
  for (const type of types) {
    const quality = qualityOf(type, ranges);
    if (quality > bestQuality) [best, bestQuality] = [type, quality];
  }
  return best;
}

interface MediaRange {
  range: string;
  quality: number;
}

function parseRange(text: string): MediaRange {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = q === undefined ? 1 : Number(q.slice(2));
  return { range, quality: Number.isFinite(quality) ? quality : 0 };
}

/** Quality of the most specific range that covers `type`; 0 where none does. */
function qualityOf(type: string, ranges: MediaRange[]): number {
  for (const wanted of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const match = ranges.find(({ range }) => range === wanted);
    if (match !== undefined) return match.quality;
  }
  return 0;
}
