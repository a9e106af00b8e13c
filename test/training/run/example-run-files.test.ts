import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readRunFile } from '../../../training/run/read-run-file.js';
import { programs } from '../../../training/run/run-file-schema.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const examples = (await readdir(join(root, 'training/runs'))).filter((name) => name.endsWith('.yaml'));

t.test('there is an example for every program', async (t) => {
  for (const program of programs) t.ok(examples.includes(`${program}.yaml`), program);
});

for (const name of examples) {
  t.test(
    `${name} fits its schema and names files that are there or that a stage before it writes`,
    async (t) => {
      const program = programs.find((it) => name.startsWith(it))!;
      const run = await readRunFile(program, join(root, 'training/runs', name));
      t.match(run.output, /^data\/work\/runs\//);
      for (const path of run.data.train) {
        if (!path.startsWith('data/work/')) await t.resolves(access(join(root, path)), path);
      }
    },
  );
}
