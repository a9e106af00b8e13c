import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const module = pathToFileURL(join(root, 'training/prepare/prepare-command.ts')).href;
const program =
  `import { prepareCommand } from '${module}';` +
  'prepareCommand().parseAsync(process.argv, { from: "node" }).catch((e) => { console.error(e.code, e.message); process.exitCode ||= 1; });';

function run(...args: string[]): {
  child: ChildProcess;
  done: Promise<{ code: number | null; out: string; err: string }>;
} {
  // `-e` leaves no script name in argv; the command expects one
  const child = spawn(
    process.execPath,
    ['--import=tsx', '--input-type=module', '-e', program, '--', 'prepare', ...args],
    {
      cwd: root,
    },
  );
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => {
    out += data;
  });
  child.stderr.on('data', (data) => {
    err += data;
  });
  return { child, done: once(child, 'close').then(([code]) => ({ code, out, err })) };
}

const header = 'path,title,publisher,license,effective,url,domain\n';
const row = (path: string): string => `${path},제목,출판사,MIT,,,it\n`;
const text = '접근 통제의 원칙은 최소 권한이다. 모든 접근은 기록하고 정기적으로 점검한다.\n';

t.test('it says what it wrote and what to run next; --strict makes a skipped file a failure', async (t) => {
  const dir = t.testdir({
    raw: { 'a.md': text, 'b.md': '', 'sources.csv': header + row('a.md') + row('b.md') },
  });
  const flags = ['--raw', join(dir, 'raw'), '--out', join(dir, 'work')];
  const first = await run(...flags).done;
  t.equal(first.code, 0, first.err);
  t.match(first.out, /1 documents, 1 chunks/u);
  t.match(first.out, /skipped b\.md: the file is empty.*\[DOCUMENT_EMPTY\]/u);
  t.match(first.out, /wrote .*chunks\.jsonl/u);
  t.match(first.out, /next +haetae train index\n$/u);
  const strict = await run(...flags, '--strict').done;
  t.equal(strict.code, 1);
  t.match(strict.err, /--strict is set/u);
});

t.test('SIGINT stops it with 130; the next run goes on from the cache', async (t) => {
  const names = Array.from({ length: 150 }, (_, i) => `${i}.md`);
  const dir = t.testdir({ raw: { 'sources.csv': header + names.map(row).join('') } });
  for (const name of names) await writeFile(join(dir, 'raw', name), `${name} ${text}`);
  const flags = ['--raw', join(dir, 'raw'), '--out', join(dir, 'work')];
  const { child, done } = run(...flags);
  child.stderr?.once('data', () => child.kill('SIGINT')); // the first tenth is done
  const stopped = await done;
  t.equal(stopped.code, 130, stopped.err);
  t.match(stopped.err, /run the same command again/u);
  t.notOk((await readdir(join(dir, 'work'))).includes('chunks.jsonl'));
  const second = await run(...flags).done;
  t.equal(second.code, 0, second.err);
  const cached = Number(/\((\d+) from the cache\)/u.exec(second.out)?.[1]);
  t.ok(cached >= 15 && cached < 150, `${cached} from the cache`);
});
