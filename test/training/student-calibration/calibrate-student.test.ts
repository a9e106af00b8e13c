import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readBundle } from '../../../shared/bundle/bundle-store.js';
import { loadRuntime } from '../../../shared/bundle/load-runtime.js';
import { calibrateStudent } from '../../../training/student-calibration/calibrate-student.js';
import { smallCorpus } from '../../fixtures/small-corpus.js';
import { addStudent, writeBaseBundle } from '../../fixtures/student-bundle.js';

const folder = t.testdir({});
const questions = join(folder, 'questions');
let modelsDir: string;

/** Two questions a guide; every third key is another, so that no scorer is always right. */
function csv(): string {
  const guides = smallCorpus().slice(0, 12);
  const rows = guides.flatMap(({ title, content }, i) => {
    const other = guides[(i + 5) % guides.length]!.content.split('. ')[0];
    const own = content.split('. ')[0];
    return ['옳은', '옳지 않은'].map(
      (word, j) =>
        `"${title}에 대한 설명으로 ${word} 것은?\n1. ${own}\n2. ${other}",${((i + j) % 3 === 0 ? 1 : 0) + 1}`,
    );
  });
  return `Question,Answer\n${rows.join('\n')}\n"${guides[0]!.title}을 설명하시오.",설명\n`;
}

t.before(async () => {
  modelsDir = await writeBaseBundle(folder);
  await mkdir(questions);
  await writeFile(join(questions, 'a.csv'), csv());
  await writeFile(join(questions, 'notes.txt'), 'no questions');
});

t.test('the bundle answers at the fitted temperature, in the mode it was fitted for', async (t) => {
  await addStudent(modelsDir, 'student');
  const lines: string[] = [];
  const log = (line: string): void => void lines.push(line);
  const report = await calibrateStudent({ modelsDir, questions, mode: 'verify', threads: 1, log });
  t.match(report, { bundleId: 'student', mode: 'verify', questions: 24 });
  const { manifest } = await readBundle(modelsDir);
  t.match(manifest.answering, {
    mode: 'verify',
    calibration: {
      temperature: report.temperature,
      questions: 24,
      expectedCalibrationError: report.expectedCalibrationError,
    },
  });
  t.match(lines.join('\n'), /verify, 24 questions: accuracy .* temperature/);

  const runtime = await loadRuntime({ modelsDir, threads: 1 });
  t.teardown(() => runtime.close());
  const question = `백업에 대한 설명으로 옳은 것은?\n1. 매일 만든다.\n2. 만들지 않는다.`;
  const { choices, classification } = await runtime.answer(question);
  const { passages } = await runtime.retrieve(question, { topK: 8, rerank: false });
  const { values } = await runtime.parts.studentScorer!('verify').utilities({ classification, passages });
  const odds = ((values[0] as number) - (values[1] as number)) / report.temperature;
  t.ok(Math.abs((choices[0]?.probability ?? 0) - 1 / (1 + Math.exp(-odds))) < 1e-4);
});

t.test('a sample is seeded, and too few questions are refused', async (t) => {
  const options = { modelsDir, questions, threads: 1, log: () => {} };
  const one = await calibrateStudent({ ...options, limit: 21 });
  t.equal(one.questions, 21);
  t.strictSame(await calibrateStudent({ ...options, limit: 21 }), one);
  await t.rejects(calibrateStudent({ ...options, limit: 5 }), { code: 'USAGE', message: /at least 20/ });
  await t.rejects(calibrateStudent({ ...options, questions: join(folder, 'nowhere') }), {
    code: 'FILE_NOT_FOUND',
  });
});

t.test(
  'a bundle that answers by evidence wants a mode, and one without a student cannot be calibrated',
  async (t) => {
    const base = (await readdir(modelsDir)).find((name) => name.startsWith('default-'));
    const options = { modelsDir, bundleId: base as string, questions, threads: 1, log: () => {} };
    await t.rejects(calibrateStudent(options), { code: 'USAGE', message: /--mode/ });
    await t.rejects(calibrateStudent({ ...options, mode: 'label' }), { code: 'MODEL_NOT_LOADED' });
  },
);
