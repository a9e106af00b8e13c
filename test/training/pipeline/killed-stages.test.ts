/**
 * A small pipeline is killed once in every stage, its stage or itself in turns, and gone on with: what comes out must be
 * what an undisturbed run makes, to the byte, as training on one thread does.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { seededRandom } from '../../../shared/random.js';
import type { RunRecord } from '../../../shared/training-run/run-record.js';
import { haetae, root, startHaetae } from '../../fixtures/built-haetae.js';

t.setTimeout(400_000);

const statutes = [
  ...['전자서명법 시행령', '금융혁신지원 특별법 시행령', '정보보호산업의 진흥에 관한 법률 시행령'],
  ...['한국은행법 시행령', '정보통신기반 보호법 시행규칙', '여신전문금융업법 시행규칙'],
];

/** Results of the stages; not what says when they were made. */
const results: Record<string, readonly string[]> = {
  prepare: ['chunks.jsonl'],
  synthesize: ['qa.jsonl', 'dropped.jsonl'],
  pretrain: ['model/model.safetensors', 'model/tokenizer.json'],
  'sft-teacher': ['prompts.jsonl', 'model/model.safetensors'],
  sft: ['model/model.safetensors'],
  'respond-1': ['prompts.jsonl', 'responses.teacher.jsonl', 'responses.student.jsonl'],
  'reformat-1': ['pairs.train.jsonl', 'pairs.validation.jsonl'],
  'distill-1': ['model/model.safetensors'],
  validate: ['predictions.jsonl'],
  quantize: ['model/model.safetensors'],
  evaluate: ['predictions.jsonl'],
};

async function setUp(dir: string): Promise<string> {
  const raw = join(dir, 'raw');
  await mkdir(join(raw, 'law-md'), { recursive: true });
  const names = statutes.map((title) => `law-md/${title}.md`);
  const [head = '', ...rows] = (await readFile(join(root, 'data/raw/sources.csv'), 'utf8')).split(/\r?\n/u);
  const kept = rows.filter((row) => names.some((name) => row.startsWith(`${name},`)));
  await writeFile(join(raw, 'sources.csv'), `${[head, ...kept].join('\n')}\n`);
  for (const name of names) await copyFile(join(root, 'data/raw', name), join(raw, name));
  const config = join(dir, 'small.json');
  await writeFile(
    config,
    JSON.stringify({
      ...{ name: 'small', seed: 3, threads: 1 },
      prepare: { raw },
      index: { queries: 20 },
      synthesize: { questions: 60, calibrationShare: 0.2, validationShare: 0.2 },
      student: { contextLength: 384, passages: 1 },
      pretrain: {
        model: { shape: { hiddenSize: 32, nLayer: 1, nHead: 2, headDim: 16, maxPositions: 384 } },
        tokenizer: { vocabSize: 600 },
        data: { rows: 4, length: 64 },
        ...{ steps: 12, checkpoint: { everySteps: 3 }, evaluation: { everySteps: 6, batches: 2 } },
      },
      teacherSft: {
        data: { rows: 2, length: 384 },
        ...{ steps: 4, checkpoint: { everySteps: 2 }, evaluation: { everySteps: 4, batches: 2 } },
      },
      sft: {
        data: { rows: 2, length: 384 },
        ...{ steps: 8, checkpoint: { everySteps: 2 }, evaluation: { everySteps: 4, batches: 2 } },
      },
      respond: { prompts: 24, maxNewTokens: 8 },
      distill: {
        run: {
          data: { rows: 1, length: 384 },
          checkpoint: { everySteps: 2 },
          evaluation: { everySteps: 4, batches: 2 },
        },
      },
      validate: { questions: 20 },
      quantize: { maxPerplexityRatio: 2, minAgreement: 0 },
      evaluate: { questions: 20, shuffles: 0, files: [] },
      publish: { mode: 'label' },
    }),
  );
  return config;
}

async function newestRecord(out: string): Promise<RunRecord | undefined> {
  try {
    const [newest = ''] = (await readdir(join(out, 'runs'))).sort().reverse();
    return JSON.parse(await readFile(join(out, 'runs', newest, 'run.json'), 'utf8')) as RunRecord;
  } catch {
    return undefined;
  }
}

/** Of a stage that works: the child of `pid`. */
async function childOf(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const [first] = children.trim().split(' ');
  return first ? Number(first) : undefined;
}

async function isAt(out: string, id: string): Promise<boolean> {
  const record = await newestRecord(out);
  return record?.stages.find((stage) => stage.id === id)?.status === 'running';
}

async function hashes(out: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [stage, names] of Object.entries(results)) {
    for (const name of names) {
      const bytes = await readFile(join(out, 'work', stage, name));
      // How long an answer took differs from run to run.
      const content = name === 'predictions.jsonl' ? `${bytes}`.replace(/"ms":[\d.]+/gu, '') : bytes;
      found[`${stage}/${name}`] = createHash('sha256').update(content).digest('hex');
    }
  }
  return found;
}

t.test('killed in every stage and gone on with, a pipeline gives the same result', async (t) => {
  const dir = t.testdir();
  const config = await setUp(dir);
  const [whole, killed] = [join(dir, 'whole'), join(dir, 'killed')];
  const first = await haetae(['train', 'run', config, '--out', whole]);
  t.equal(first.code, 0, first.code === 0 ? 'the undisturbed run' : first.err.slice(-2_000));
  const undisturbed = (await newestRecord(whole))!;

  const random = seededRandom(5);
  const struck = new Set<string>();
  for (let attempt = 0; attempt < 40; attempt++) {
    const { child, ended } = startHaetae(['train', 'run', config, '--out', killed]);
    let isOver = false;
    const result = ended.finally(() => {
      isOver = true;
    });
    let victim: string | undefined;
    while (!isOver && victim === undefined) {
      await sleep(5);
      const record = await newestRecord(killed);
      const stage = record?.pid === child.pid && record?.stages.find(({ status }) => status === 'running');
      const pid = stage && !struck.has(stage.id) ? await childOf(child.pid!) : undefined;
      if (!stage || pid === undefined) continue;
      victim = stage.id;
      struck.add(victim);
      const usual = undisturbed.stages.find(({ id }) => id === victim)?.seconds ?? 1;
      await sleep(600 * usual * random());
      // The stage alone, or the pipeline, whose stage has to notice.
      const target = struck.size % 2 === 0 ? pid : child.pid!;
      if (await isAt(killed, victim)) process.kill(target, 'SIGKILL');
      else {
        // It was quicker than usual: it is made anew, and struck then.
        struck.delete(victim);
        child.kill('SIGKILL');
        await rm(join(killed, 'work', victim, 'stage.json'), { force: true });
      }
    }
    const { code, err } = await result;
    if (code === 0) break;
    if (victim !== undefined) continue;
    t.fail(`ended with ${code}: ${err.slice(-500)}`);
    break;
  }
  t.strictSame([...struck].sort(), undisturbed.stages.map(({ id }) => id).sort(), 'each was struck once');
  const record = (await newestRecord(killed))!;
  t.equal(record.status, 'published');
  t.equal(record.bundleId, undisturbed.bundleId, 'the same content has the same id');
  t.strictSame(await hashes(killed), await hashes(whole));
  const verified = await haetae([
    'models',
    'verify',
    record.bundleId!,
    '--models-dir',
    join(killed, 'models'),
  ]);
  t.match(verified.out, /all checksums match/u);
});
