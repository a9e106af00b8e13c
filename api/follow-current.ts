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
  let watcher = watchFolder(modelsDir, look);
  const timer = setInterval(() => {
    watcher ??= watchFolder(modelsDir, look);
    void look();
  }, intervalMs);
  timer.unref();
  watcher?.once('error', forget);
  void look();

  function forget(): void {
    watcher?.close();
    watcher = undefined;
  }
  return () => {
    clearInterval(timer);
    forget();
  };
}

/** Undefined where there is no such folder yet, or the system has no watches left. */
function watchFolder(modelsDir: string, look: () => Promise<void>): FSWatcher | undefined {
  try {
    return watch(modelsDir, { persistent: false }, (_, name) => {
      // A rename onto it is how it is written.
      if (name === null || name === currentName) void look();
    }).on('error', () => undefined);
  } catch {
    return undefined;
  }
}
