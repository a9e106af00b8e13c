import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { exportCommand, importCommand } from '../../../cli/commands/train-export.js';
import { writeJsonLines } from '../../../training/formats/json-lines.js';
import { smallPair } from '../../fixtures/small-pairs.js';

/** What a command prints, while it runs. */
async function printed(t: Test, work: Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const capture = t.capture(process.stdout, 'write', (text: string) => lines.push(text) > 0);
  await work.finally(() => capture.restore());
  return lines.join('');
}

const train = (folder: string, ...args: string[]) =>
  exportCommand().parseAsync(['node', 'export', join(folder, 'pipeline.yaml'), ...args]);

async function pipeline(t: Test): Promise<string> {
  const folder = t.testdir({});
  await writeFile(
    join(folder, 'pipeline.yaml'),
    'name: cli\nstudent: { from: models/student }\nsft: { steps: 1 }\ndistill: { iterations: 3 }\n',
  );
  for (const iteration of [1, 2]) {
    const stage = join(folder, 'out', 'work', `reformat-${iteration}`);
    await writeJsonLines(join(stage, 'pairs.train.jsonl'), [smallPair(`of ${iteration}`)]);
    await writeJsonLines(join(stage, 'pairs.validation.jsonl'), [smallPair('measured')]);
  }
  return folder;
}

t.test('the last iteration there is goes out, and comes back', async (t) => {
  const folder = await pipeline(t);
  const set = join(folder, 'set');
  const out = join(folder, 'out');
  const said = await printed(t, train(folder, '--for', 'distillm2', '--from', out, '--out', set));
  t.match(said, /1 pairs to train on, 1 to test on \(iteration 2\)/);
  const back = join(folder, 'back');
  const heard = await printed(t, importCommand().parseAsync(['node', 'import', set, '--out', back]));
  t.match(heard, /pairs\.validation\.jsonl: 1 pairs; 1 of their sources are trained on too/);
  t.equal(
    await readFile(join(back, 'pairs.train.jsonl'), 'utf8'),
    await readFile(join(out, 'work', 'reformat-2', 'pairs.train.jsonl'), 'utf8'),
  );
  const one = join(folder, 'one');
  await printed(t, importCommand().parseAsync(['node', 'import', join(set, 'test.json'), '--out', one]));
  t.match(await readFile(join(one, 'pairs.train.jsonl'), 'utf8'), /measured/);
});

t.test('an iteration can be named, as far as there are so many', async (t) => {
  const folder = await pipeline(t);
  const args = ['--for', 'trl', '--from', join(folder, 'out'), '--out', join(folder, 'set')];
  t.match(await printed(t, train(folder, ...args, '--iteration', '1')), /\(iteration 1\)/);
  await t.rejects(train(folder, ...args, '--iteration', '4'), {
    code: 'USAGE',
    message: /the pipeline has 3/,
  });
  await t.rejects(train(folder, ...args, '--iteration', '3'), { code: 'FILE_NOT_FOUND' });
});
