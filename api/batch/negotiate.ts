/** Content negotiation (RFC 9110 §12.5.1) between the forms in which a batch can be answered. */
import { HaetaeError } from '../../shared/errors.js';

export const batchMediaTypes = ['text/csv', 'application/x-ndjson'] as const;
export type BatchMediaType = (typeof batchMediaTypes)[number];

/** The form that `accept` likes best; CSV where it has no preference. Throws `NOT_ACCEPTABLE`. */
export function negotiate(accept: string | undefined): BatchMediaType {
  const ranges = (accept ?? '*/*').split(',').map(parseRange);
  let best: BatchMediaType | undefined;
  let bestQuality = 0;
  for (const type of batchMediaTypes) {
    const quality = qualityOf(type, ranges);
    if (quality > bestQuality) [best, bestQuality] = [type, quality];
  }
  if (best !== undefined) return best;
  throw new HaetaeError(
    'NOT_ACCEPTABLE',
    `A batch can be answered as ${batchMediaTypes.join(' or ')}; the request accepts only ${JSON.stringify(accept)}.`,
  );
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
function qualityOf(type: BatchMediaType, ranges: MediaRange[]): number {
  for (const wanted of [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*']) {
    const match = ranges.find(({ range }) => range === wanted);
    if (match !== undefined) return match.quality;
  }
  return 0;
}
