/**
 * Writes the JSON schemas beside the example run files: `node --import=tsx training/run/write-run-schemas.ts`. A
 * test holds the committed files to what this would write.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPackageInfo } from '../../shared/package-info.js';
import { programs } from './run-file-schema.js';
import { runJsonSchema } from './run-json-schema.js';

for (const program of programs) {
  const path = join(readPackageInfo().root, 'training/runs', `${program}.schema.json`);
  await writeFile(path, runJsonSchema(program));
  console.log(`wrote ${path}`);
}
