/** Who must be named for the documents of a knowledge base: for NOTICE, and for `licences[]` of a bundle. */
import type { Chunk } from '../../shared/retrieval/chunk.js';
import { isAllowedLicence } from '../../shared/licence/licence-name.js';

export interface Attribution {
  publisher: string;
  licence: string;
  /** Addresses of the publisher's pages, distinct, at most three. */
  urls: string[];
  /** Number of documents. */
  documents: number;
  /** True where the licence asks that the publisher be named wherever the text is shown. */
  attributionRequired: boolean;
}

const withoutAttribution = ['public-domain', 'CC0'];

/** One entry per publisher and licence, in order of publisher, then licence. */
export function attributions(
  documents: Iterable<Pick<Chunk, 'source' | 'publisher' | 'licence' | 'url'>>,
): Attribution[] {
  const groups = new Map<string, Attribution & { sources: Set<string>; found: Set<string> }>();
  for (const { source, publisher, licence, url } of documents) {
    const key = `${publisher}\n${licence}`;
    let group = groups.get(key);
    if (group === undefined) {
      const attributionRequired = !isAllowedLicence(licence, withoutAttribution);
      group = {
        publisher,
        licence,
        urls: [],
        documents: 0,
        attributionRequired,
        sources: new Set(),
        found: new Set(),
      };
      groups.set(key, group);
    }
    group.sources.add(source);
    if (url !== '') group.found.add(url);
  }
  return [...groups.keys()].sort().map((key) => {
    const { sources, found, ...attribution } = groups.get(key) as NonNullable<ReturnType<typeof groups.get>>;
    return { ...attribution, urls: commonUrls([...found]), documents: sources.size };
  });
}

/** NOTICE text: one paragraph per publisher whose licence asks to be named. */
export function noticeOf(list: readonly Attribution[]): string {
  return list
    .filter((entry) => entry.attributionRequired)
    .map((entry) => {
      const documents = `${entry.documents} document${entry.documents === 1 ? '' : 's'}`;
      return [
        `${entry.publisher || 'Unknown publisher'}: ${documents} under ${entry.licence}`,
        ...entry.urls,
      ].join('\n  ');
    })
    .join('\n\n');
}

/** The addresses themselves where they are few, else the folder or host that all share. */
function commonUrls(urls: string[]): string[] {
  if (urls.length <= 3) return urls.sort();
  const paths = urls.map((url) => url.replace(/\/+$/u, '').split('/'));
  const [first = []] = paths;
  let length = first.length;
  for (const path of paths) {
    let same = 0;
    while (same < length && path[same] === first[same]) same += 1;
    length = same;
  }
  return length >= 3 ? [first.slice(0, length).join('/')] : urls.sort().slice(0, 3);
}
