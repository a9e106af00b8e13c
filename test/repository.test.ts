import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

/** Text files under version control, data aside: those are other people's words. */
const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && !path.startsWith('data/') && existsSync(join(root, path)))
  .filter((path) => !readFileSync(join(root, path)).includes(0));

t.test('the lock file names packages and checksums, no hosts', async (t) => {
  const lock = read('package-lock.json');
  t.notOk(lock.includes('"resolved"'));
  t.match(lock, /"integrity": "sha512-/);
});

t.test('no file names a registry or a folder of the machine it was written on', async (t) => {
  t.ok(files.length > 100, 'the files are found');
  // Put together here, so that this file does not name them either.
  const hosts = [
    'registry\\.npm',
    'registry\\.yarn',
    'npmmirror',
    'pypi\\.org',
    'files\\.pythonhosted',
    'index-url',
    'proxy\\.golang',
  ];
  const folders = ['work', 'home', 'Users', 'root'].map((name) => `(?:^|[\\s"'\`(=:])/${name}/`);
  for (const path of files) {
    const text = read(path);
    for (const pattern of [...hosts, ...folders]) {
      const found = new RegExp(pattern, 'mu').exec(text);
      if (found && path !== 'test/repository.test.ts') t.fail(`${path} names ${found[0].trim()}`);
    }
  }
});

t.test('every file that a script of package.json runs is there', async (t) => {
  for (const [name, command] of Object.entries(manifest.scripts)) {
    for (const path of command.match(/\b(?:scripts|bench|api|cli|training)\/[\w./-]+/gu) ?? []) {
      t.ok(
        existsSync(join(root, path)) || /^dist\//u.test(path) || command.includes(`dist/${path}`),
        `${name}: ${path}`,
      );
    }
    for (const called of command.matchAll(/npm (?:run (?:--silent )?([\w:]+)|(test))/gu)) {
      t.ok(manifest.scripts[(called[1] ?? called[2]) as string], `${name} runs ${called[0]}`);
    }
  }
});

t.test('every shell script is valid for plain sh', async (t) => {
  const scripts = files.filter((path) => path.endsWith('.sh') || /^#!.*\bsh\b/u.test(read(path)));
  t.ok(scripts.includes('scripts/setup.sh'));
  for (const path of scripts) {
    const { status, stderr } = spawnSync('sh', ['-n', path], { cwd: root, encoding: 'utf8' });
    t.equal(status, 0, `${path} ${stderr}`);
  }
});

t.test('versions that must not drift are pinned', async (t) => {
  t.match(manifest.devDependencies.typescript, /^~5\.9/);
  t.match(manifest.dependencies['onnxruntime-node'], /^\d+\.\d+\.\d+$/);
});
