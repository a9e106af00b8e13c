/** The version in package.json, found upwards from this file: the same from source and from dist. */
import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === 'haetae' && found.version) return found.version;
    } catch {
      // not at this level
    }
  }
  return '0.0.0';
}
