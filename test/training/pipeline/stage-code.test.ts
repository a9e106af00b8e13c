import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { stages } from '../../../training/pipeline/stages.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** What carries a stage, and decides nothing of what it writes. */
const carriers = [
  ...['training/pipeline', 'training/stages', 'shared', 'shared/bundle', 'shared/cache'],
  'shared/training-run',
];

/** Modules that `path` loads: imports of types alone load nothing. */
function loadedBy(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const imports = [...text.matchAll(/^(?:import|export)\s+(?!type\b)([^;]*?)from\s+'(\.[^']+)\.js'/gmsu)]
    .filter(([, names = '']) => !isOfTypes(names.trim()))
    .map(([, , name]) => name as string);
  const children = [...text.matchAll(/^[^*\n]*entryPoint\(import\.meta\.url,\s*'(\.[^']+)'\)/gmu)].map(
    ([, name]) => name as string,
  );
  return [...imports, ...children].map((name) => resolve(dirname(path), `${name}.ts`));
}

function isOfTypes(names: string): boolean {
  const listed = /^\{([\s\S]*)\}$/u.exec(names)?.[1];
  return listed?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')) ?? false;
}

function allLoadedBy(path: string): Set<string> {
  const loaded = new Set([path]);
  // A set gives those that are added while it is gone through.
  for (const each of loaded) for (const next of loadedBy(each)) loaded.add(next);
  return loaded;
}

for (const { name, code } of stages) {
  t.test(`${name} is run again where code that it loads has changed`, async (t) => {
    const named = code.folders.map((folder) => resolve(root, 'training/stages', folder) + sep);
    const forgotten = [...allLoadedBy(join(root, 'training/stages', `${name}.ts`))]
      .filter((path) => !named.some((folder) => path.startsWith(folder)))
      .map((path) => relative(root, path))
      .filter((path) => !carriers.includes(dirname(path)));
    t.strictSame(forgotten, []);
  });
}
