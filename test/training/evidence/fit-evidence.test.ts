import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { parseChoiceModel } from '../../../shared/answering/choice-model.js';
import { featureNames } from '../../../shared/answering/evidence-features.js';
import { fitEvidence } from '../../../training/evidence/fit-evidence.js';
import { buildIndex } from '../../../training/index/build-index.js';
import { smallCorpus, writeCorpus } from '../../fixtures/small-corpus.js';

const folder = t.testdir({});
const workDir = join(folder, 'work');
const modelsDir = join(folder, 'models');
const log = (): void => {};

/** Which sentence is about the guide's title: the true one is the guide's own, the false ones of its neighbours. */
function questions(): string[] {
  const guides = smallCorpus().slice(0, 12);
  const firstOf = (i: number): string => guides[i % guides.length]?.content.split('. ')[0] as string;
  return guides.map(({ title }, i) => {
    const key = i % 3;
    const choices = [0, 1, 2].map((slot) => firstOf(i + ((slot - key + 3) % 3) * 4));
    const text = choices.map((choice, slot) => `${slot + 1} ${choice}`).join('\n');
    return `"${title}에 대한 설명으로 옳은 것은?\n${text}",${key + 1}`;
  });
}

t.before(async () => {
  await writeCorpus(workDir, smallCorpus());
  await buildIndex({ workDir, modelsDir, threads: 1, log });
});

t.test('the model fitted parses, fits its questions, and says how it was made', async (t) => {
  const dir = join(folder, 'questions');
  await mkdir(dir);
  await writeFile(join(dir, 'a.csv'), `Question,Answer\n${questions().slice(0, 7).join('\n')}\n`);
  await writeFile(
    join(dir, 'b.csv'),
    `Question,Answer\n${questions().slice(7).join('\n')}\n"백업이란?",설명\n`,
  );
  await writeFile(join(dir, 'notes.txt'), 'no questions');
  const out = join(folder, 'model.json');
  const lines: string[] = [];
  const model = await fitEvidence({ modelsDir, questions: dir, out, log: (line) => lines.push(line) });
  t.equal(model.fit.questions, 12);
  t.ok(model.fit.accuracy! > 0.7, 'of questions not seen; a guess is right in a third');
  t.ok(model.fit.logLikelihood! < 0 && model.fit.logLikelihood! > Math.log(1 / 3));
  t.match(model.description, /12 authored questions; made by: haetae train fit-evidence/);
  const read = parseChoiceModel(await readFile(out, 'utf8'), out, featureNames);
  t.strictSame(read.features, [...featureNames]);
  for (const [j, weight] of read.positive.entries())
    t.ok(
      Math.abs(weight - (model.positive[j] as number)) <= 1e-5 * Math.abs(weight),
      String(featureNames[j]),
    );
  t.ok(read.positive.some((weight) => weight > 0));
  t.match(lines[0], /7 questions after a\.csv/);
  t.match(lines[1], /12 questions after b\.csv/);
  const again = join(folder, 'again.json');
  await fitEvidence({ modelsDir, questions: dir, out: again, log });
  t.equal(
    await readFile(again, 'utf8'),
    await readFile(out, 'utf8'),
    'the same questions give the same file',
  );
});

t.test('too few questions, or no folder of them, is an error, and nothing is written', async (t) => {
  const dir = join(folder, 'few');
  await mkdir(dir);
  await writeFile(join(dir, 'a.csv'), `Question,Answer\n${questions().slice(0, 3).join('\n')}\n`);
  const out = join(folder, 'few', 'model.json');
  await t.rejects(fitEvidence({ modelsDir, questions: dir, out, log }), {
    code: 'USAGE',
    message: /holds 3 multiple-choice questions.*at least 10/,
  });
  const missing = join(folder, 'missing');
  await t.rejects(fitEvidence({ modelsDir, questions: missing, out, log }), {
    code: 'FILE_NOT_FOUND',
    message: /missing cannot be read/,
  });
  t.strictSame(await readdir(dir), ['a.csv']);
});
