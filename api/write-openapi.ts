/**
 * Writes `openapi.yaml` from the routes: `node --import=tsx api/write-openapi.ts`. A test holds the committed
 * file to what this would write.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPackageInfo } from '../shared/package-info.js';
import { describeApi } from './describe-api.js';

const path = join(readPackageInfo().root, 'openapi.yaml');
await writeFile(path, await describeApi());
console.log(`wrote ${path}`);
