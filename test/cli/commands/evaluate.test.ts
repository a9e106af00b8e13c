import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { evaluateCommand } from '../../../cli/commands/evaluate.js';
import { runHaetae } from '../../fixtures/run-haetae.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';
import { addStudent, writeBaseBundle } from '../../fixtures/student-bundle.js';

const folder = t.testdir({});
const choiceFile = join(folder, 'choices.csv');
const openFile = join(folder, 'open.csv');
let models: string;
const evaluate = (...args: string[]) =>
  runHaetae({ args: ['evaluate', '--models', models, '--threads', '1', ...args] });

/** Two questions a guide, each of five choices; the wrong ones are of others. */
function questions(): string {
  const guides = smallCorpus().slice(0, 12);
  const sentence = (i: number): string => guides[i % guides.length]?.content.split('. ')[0] ?? '';
  const rows = guides.flatMap(({ title }, i) => {
    const choices = [0, 5, 6, 7, 8].map((step, index) => `${index + 1} ${sentence(i + step)}`).join('\n');
    return ['옳은', '옳지 않은'].map(
      (word, j) => `"${title}에 대한 설명으로 ${word} 것은?\n${choices}",${j + 1},${title}`,
    );
  });
  return `Question,Answer,title\n${rows.join('\n')}\n`;
}

t.before(async () => {
  models = await writeBaseBundle(folder);
  await writeFile(choiceFile, questions());
  await writeFile(
    openFile,
    'Question,Reference,Keyword\n"전자금융거래법 제9조에 따른 금융회사의 책임을 설명하시오.",접근매체의 위조로 생긴 손해를 배상한다,"접근매체, 손해"\n',
  );
});

t.test('a bundle is named by its pipeline, and prints one line of JSON', async (t) => {
  const { code, out, err } = await evaluate(
    '--bundle',
    'default',
    '--questions',
    choiceFile,
    '--questions',
    openFile,
    '--json',
  );
  t.equal(code, 0, err);
  t.match(out, /^\{.*\}\n$/);
  const line = JSON.parse(out);
  t.match(line, {
    ...{ mode: 'evidence', student: null, questions: 25, threads: 1 },
    choices: { questions: 24, trivial: { chance: 0.2 } },
    recall: { named: { questions: 1, read: 1 } },
    open: { questions: 1, keywordSource: 'column' },
    ...{ fallbackShare: 0, speed: { questions: 25, concurrency: 4 } },
  });
  t.match(line.bundleId, /^default-/);
  t.ok(line.byType.positiveStem.accuracy > 0.6, `${line.accuracy}`);
  t.ok(line.accuracyLow < line.accuracy && line.accuracy <= line.accuracyHigh);
  for (const key of ['ece', 'keywordRecall', 'openCosine', 'questionsPerSecond', 'confidentHalfAccuracy'])
    t.type(line[key], 'number', key);
  t.match(err, /answers of default-\S+ 25\/25/);
});

t.test('what cannot be measured is said', async (t) => {
  const refused = (error: { code: string; message: RegExp }, ...args: string[]) => {
    const command = evaluateCommand({})
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    return t.rejects(command.parseAsync(['--models', models, ...args], { from: 'user' }), error);
  };
  await refused({ code: 'commander.missingMandatoryOptionValue', message: /required option '--questions/ });
  await refused(
    { code: 'USAGE', message: /^--mode best is none: there are evidence, label,/ },
    ...['--questions', choiceFile, '--mode', 'best'],
  );
  await refused({ code: 'FILE_NOT_FOUND', message: /none\.csv/ }, '--questions', join(folder, 'none.csv'));
  await refused(
    { code: 'BUNDLE_NOT_FOUND', message: /There is default-/ },
    ...['--questions', choiceFile, '--bundle', 'nope'],
  );
  await refused(
    { code: 'MODEL_NOT_LOADED', message: /has no language model/ },
    ...['--questions', choiceFile, '--mode', 'label'],
  );
});

t.test('Ctrl-C keeps what is done, and the same command goes on behind it', async (t) => {
  await addStudent(models, 'student', { answering: { mode: 'verify' } });
  const out = join(folder, 'answers.jsonl');
  const kept = async () => (await readFile(out, 'utf8')).trimEnd().split('\n').map(questionOf);
  const args = ['--bundle', 'student', '--questions', choiceFile, '--out', out, '--no-speed', '--json'];
  let asked = false;
  const first = await runHaetae({
    args: ['evaluate', '--models', models, '--threads', '1', ...args, '--shuffles', '30'],
    onOutput: ({ err }, kill) => {
      if (!/answers of student/.test(err) || asked) return;
      asked = true;
      kill('SIGINT');
    },
  });
  t.equal(first.code, 130, first.err);
  t.equal(first.out, '');
  t.match(first.err, /Interrupted; what was answered is in/);
  const before = await kept();
  t.ok(before.length >= 24 && before.length < 24 * 31, `${before.length} answers`);

  const { code, out: json, err } = await evaluate(...args);
  t.equal(code, 0, err);
  const line = JSON.parse(json);
  t.match(line, {
    bundleId: 'student',
    mode: 'verify',
    questionsPerSecond: null,
    choices: { questions: 24 },
  });
  t.match(line.student, /^qwen2, float32/);
  t.ok(line.ece >= 0 && line.ece < 0.6, 'a random student is not sure of itself');
  t.strictSame(await kept(), before, 'nothing is asked twice');
  t.equal(new Set(before).size, before.length);
});

function questionOf(line: string): string {
  return (JSON.parse(line) as { question: string }).question;
}
