/**
 * Tells when `models/current` may have changed: by what the file system says, and every two seconds, since a network
 * file system says nothing, and a folder that is put in the place of the watched one goes unnoticed.
 */
import { type FSWatcher, watch } from 'node:fs';
import { currentName } from '../shared/bundle/current-file.js';

export interface FollowOptions {
  modelsDir: string;
  /** Asked to look; never rejects. */
  look: () => Promise<void>;
  intervalMs?: number;
}

/** Returns what ends it. The process does not live on for its sake. */
export function followCurrent({ modelsDir, look, intervalMs = 2_000 }: FollowOptions): () => void {
  let watcher: FSWatcher | undefined;
  const end = () => {
    watcher?.close();
    watcher = undefined;
  };
  const begin = () => {
    try {
      watcher ??= watch(modelsDir, { persistent: false }, (_, name) => {
        // A rename onto it is how it is written.
        if (name === null || name === currentName) void look();
      }).on('error', end);
    } catch {
      // There is no such folder yet, or the system has no watches left.
    }
  };
  const timer = setInterval(() => {
    begin();
    void look();
  }, intervalMs);
  timer.unref();
  begin();
  void look();
  return () => {
    clearInterval(timer);
    end();
  };
}
