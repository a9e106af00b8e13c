import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { readRunFile } from '../../../training/run/read-run-file.js';
import { programs } from '../../../training/run/run-file-schema.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** Of single programs; a schedule lies beside them. */
const examples = (await readdir(join(root, 'training/runs'))).filter((name) =>
  programs.some((program) => new RegExp(`^${program}\\b.*\\.yaml$`, 'u').test(name)),
);

t.test('there is an example for every program', async (t) => {
  for (const program of programs) t.ok(examples.includes(`${program}.yaml`), program);
});

/** Folders that other examples make, and the one of `haetae train index`. */
const made = [
  'data/work/embedder',
  ...['pretrain', 'sft', 'distill'].map((program) => `data/work/runs/${program}/model`),
];

for (const name of examples) {
  t.test(
    `${name} fits its schema and names files that are there or that a stage before it writes`,
    async (t) => {
      const program = programs.find((it) => name.startsWith(it))!;
      const run = await readRunFile(program, join(root, 'training/runs', name));
      t.match(run.output, /^data\/work\/runs\//);
      const text = await readFile(join(root, 'training/runs', name), 'utf8');
      for (const path of run.data.train) {
        if (!path.startsWith('data/work/')) await t.resolves(access(join(root, path)), path);
        else t.match(text, new RegExp(`${path}.*(?:is yours to make|as in sft\\.yaml)`, 'u'), path);
      }
      for (const { groups } of text.matchAll(/^ +from: (?<folder>\S+)/gmu)) {
        t.ok(made.includes(groups!.folder!), `something makes ${groups!.folder}`);
      }
    },
  );
}
