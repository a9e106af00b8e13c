/** What `GET /models` tells of each bundle: its manifest in short, and how it has fared on this server. */
import type { Static } from 'typebox';
import { type Bundle, earlierBundles, listBundles, readBundle } from '../shared/bundle/bundle-store.js';
import { messageOf } from '../shared/errors.js';
import type { Bundles } from './engine/bundles.js';
import type { BundleEntry, BundleList } from './schemas/bundles.js';

type Entry = Static<typeof BundleEntry>;

export async function listWithStatus(
  modelsDir: string,
  bundles: Pick<Bundles, 'status' | 'refusalOf'>,
): Promise<Omit<Static<typeof BundleList>, 'bundles'> & { bundles: Entry[] }> {
  const { servedId, wantedId, loadingId, isPinned } = await bundles.status();
  const ids = await listBundles(modelsDir);
  const earlier = (await earlierBundles(modelsDir)).filter((id) => ids.includes(id));
  const entries: Entry[] = [];
  for (const id of ids) {
    entries.push({
      id,
      served: id === servedId,
      wanted: id === wantedId,
      loading: id === loadingId,
      refusal: bundles.refusalOf(id) ?? null,
      ...(await readBundle(modelsDir, id).then(describe, (error: unknown) => ({
        ...unknown,
        fault: messageOf(error).replaceAll(`${modelsDir}/`, ''),
      }))),
    });
  }
  return {
    served: servedId,
    wanted: wantedId,
    loading: loadingId,
    pinned: isPinned,
    rollbackTo: isPinned ? null : (earlier[0] ?? null),
    bundles: entries.sort((a, b) => (b.createdAt ?? '').localeCompare(a.createdAt ?? '')),
  };
}

type Description = Omit<Entry, 'id' | 'served' | 'wanted' | 'loading' | 'refusal'>;

const unknown = {
  createdAt: null,
  parent: null,
  bytes: null,
  chunks: null,
  mode: null,
  student: null,
  metrics: null,
  licences: null,
} satisfies Omit<Description, 'fault'>;

function describe({ manifest }: Bundle): Description {
  const { createdAt, parent, files, index, answering, student, metrics, licences } = manifest;
  return {
    fault: null,
    createdAt,
    parent,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    chunks: index.chunkCount,
    mode: answering.mode,
    student: student && { name: student.name, licence: student.licence, released: student.released },
    metrics,
    licences,
  };
}
