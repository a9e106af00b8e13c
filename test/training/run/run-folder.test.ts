import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { openRunFolder } from '../../../training/run/run-folder.js';

const options = (resume: boolean) => ({
  ...{ program: 'sft', resume },
  warn: (line: string) => {
    throw new Error(line);
  },
});
const runJson = JSON.stringify({ program: 'sft', totalSteps: 3 });

t.test('a result without its checkpoints is not written over, with --resume neither', async (t) => {
  for (const name of ['model', 'adapter']) {
    for (const resume of [false, true]) {
      const folder = t.testdir({ [name]: { 'config.json': '{}' }, 'run.json': runJson });
      await t.rejects(openRunFolder(folder, options(resume)), {
        code: 'CONFIG_INVALID',
        message: new RegExp(`already holds a folder ${name}/.* Choose another folder with --output`),
      });
      t.strictSame((await readdir(folder)).sort(), [name, 'run.json'], 'and nothing is left behind');
    }
  }
});

t.test('figures of another program are not written over', async (t) => {
  for (const name of ['metrics.jsonl', 'events.out.tfevents.1700000000.host']) {
    for (const other of [{}, { 'run.json': '{"program":"other"}' }, { 'run.json': '{' }]) {
      const folder = t.testdir({ [name]: 'precious', ...other });
      await t.rejects(openRunFolder(folder, options(false)), {
        code: 'CONFIG_INVALID',
        message: new RegExp(`already holds ${name}, which is not of a run here`),
      });
      t.equal(await readFile(join(folder, name), 'utf8'), 'precious');
    }
  }
});

t.test('what a run left that had no checkpoint yet is taken up, resumed or not', async (t) => {
  for (const resume of [false, true]) {
    const left = { 'run.json': runJson, 'metrics.jsonl': '{"step":1}\n', tokens: {}, tokenizer: {} };
    const folder = await openRunFolder(t.testdir(left), options(resume));
    t.equal(folder.checkpoint, null);
    await folder.close();
  }
});

t.test('a folder that cannot be made or written to is an error of the run file', async (t) => {
  const folder = t.testdir({ file: '', locked: { 'run.lock': { inside: '' } } });
  await t.rejects(openRunFolder(join(folder, 'file/run'), options(false)), {
    code: 'CONFIG_INVALID',
    message: /cannot be made \(ENOTDIR/,
  });
  await t.rejects(openRunFolder(join(folder, 'locked'), options(false)), {
    code: 'CONFIG_INVALID',
    message: /cannot be written to \(.*run\.lock/,
  });
});
