/** `haetae models rollback`: the latest bundle that was active before, and whose files are sound, becomes the active one. */
import { activateBundle, earlierBundles, readBundle, verifyBundle } from '../shared/bundle/bundle-store.js';
import { HaetaeError, messageOf } from '../shared/errors.js';

/** Returns its id. @throws HaetaeError BUNDLE_REFUSED where there is none */
export async function rollBack(modelsDir: string, log: (line: string) => void): Promise<string> {
  for (const id of await earlierBundles(modelsDir)) {
    const fault = await verify(modelsDir, id);
    if (fault === undefined) {
      await activateBundle(modelsDir, id, 'rollback');
      return id;
    }
    log(`passing over ${id}: ${fault}`);
  }
  throw new HaetaeError(
    'BUNDLE_REFUSED',
    `${modelsDir} has no earlier bundle that is sound. Activate one by its id: haetae models list`,
  );
}

async function verify(modelsDir: string, id: string): Promise<string | undefined> {
  try {
    await verifyBundle(await readBundle(modelsDir, id));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
