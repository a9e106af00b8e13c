/** README.md against the program: what it says can be typed is there, and what is there is said. */
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import t from 'tap';
import { parse } from 'yaml';
import { buildApp } from '../api/app.js';
import { readConfig, settings } from '../api/config.js';
import { batchCommand } from '../cli/commands/batch.js';
import { evaluateCommand } from '../cli/commands/evaluate.js';
import { lmCommand } from '../cli/commands/lm.js';
import { mergeCommand } from '../cli/commands/merge.js';
import { modelsCommand } from '../cli/commands/models.js';
import { quantizeCommand } from '../cli/commands/quantize.js';
import { scheduleCommand } from '../cli/commands/schedule.js';
import { serveCommand } from '../cli/commands/serve.js';
import { trainCommand } from '../cli/commands/train.js';
import { runRecord, writeRunRecord } from './fixtures/run-records.js';
import { StubEngine } from './fixtures/stub-engine.js';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFile(new URL(path, root), 'utf8');
const readme = await read('README.md');
const openapi = await read('openapi.yaml');

/** Fenced blocks in `language`, with continued lines joined. */
const blocks = (language: string): string[] =>
  [...readme.matchAll(/^```(\w+)\n(.*?)^```$/gmsu)]
    .filter(([, found]) => found === language)
    .map(([, , body = '']) => body.replace(/\\\n\s*/gu, ''));
const shellLines = blocks('sh').flatMap((block) => block.split('\n'));
const inlineCode = [...readme.replace(/^```.*?^```$/gmsu, '').matchAll(/`([^`\n]+)`/gu)].map(
  ([, code = '']) => code,
);
const code = [...shellLines.map((line) => line.replace(/\s#.*$/u, '')), ...inlineCode];

const program = new Command('haetae');
for (const command of [
  serveCommand(),
  batchCommand({}),
  evaluateCommand(),
  trainCommand(),
  scheduleCommand(),
  modelsCommand(),
  quantizeCommand(),
  mergeCommand(),
  lmCommand(),
])
  program.addCommand(command);

const optionsOf = (command: Command): string[] =>
  ['--help', ...command.options.flatMap(({ long, short }) => [long, short])].filter(
    (name): name is string => typeof name === 'string',
  );

/** Commands without subcommands, as one types them. */
function leaves(command: Command, before = ''): { path: string; command: Command }[] {
  return command.commands.flatMap((child) => {
    const path = `${before}${child.name()}`;
    return child.commands.length === 0 ? [{ path, command: child }] : leaves(child, `${path} `);
  });
}

/** What is typed after `haetae`, up to the end of the command. */
const typed = code.flatMap((line) =>
  [...line.matchAll(/\bhaetae ((?:[^&|;]|\|(?! ))+)/gu)].map(([, words = '']) => words.trim().split(/\s+/u)),
);

t.test('every npm script that README names is in package.json', async (t) => {
  const { scripts } = JSON.parse(await read('package.json'));
  const names = code.flatMap((line) =>
    [...line.matchAll(/\bnpm (?:run )?([a-z][\w:-]*)/gu)].map(([, name = '']) => name),
  );
  for (const wanted of ['demo', 'test', 'setup', 'start', 'bench', 'check']) {
    t.ok(names.includes(wanted), `${wanted} is described`);
  }
  for (const name of names) t.ok(name in scripts, `npm run ${name}`);
});

t.test('every haetae command and option that README names is in the program', async (t) => {
  t.ok(typed.length > 15);
  for (const words of typed) {
    let command = program;
    for (const [index, word] of words.entries()) {
      const child = command.commands.find((each) => each.name() === word);
      if (child) command = child;
      else if (index === 0) t.fail(`haetae ${words.join(' ')}: no command ${word}`);
      else if (word.startsWith('-')) {
        t.ok(optionsOf(command).includes(word.replace(/=.*$/u, '')), `haetae ${words.join(' ')}: ${word}`);
      } else t.equal(command.commands.length, 0, `haetae ${words.join(' ')}: ${word}`);
    }
  }
  const known = leaves(program).flatMap(({ command }) => optionsOf(command));
  const alone = inlineCode.filter((text) => text.startsWith('--')).map((text) => text.split(' ')[0] ?? '');
  t.ok(alone.length > 0);
  for (const option of alone) t.ok(known.includes(option), option);
});

t.test('every command of the program is in README, with the options of its row', async (t) => {
  for (const { path, command } of leaves(program)) {
    const row = readme
      .split('\n')
      .find((line) => new RegExp(`^\\| \`npx haetae ${path}[ \`]`, 'u').test(line));
    t.ok(row, path);
    const named = [...(row ?? '').matchAll(/`(--[a-z-]+)/gu)].map(([, name = '']) => name);
    for (const name of named) t.ok(optionsOf(command).includes(name), `${path} ${name}`);
  }
});

const listed = [...readme.matchAll(/^\| (`(?:GET|POST) .*?) \|/gmu)].flatMap(([, cell = '']) =>
  [...cell.matchAll(/`(GET|POST) (\/\S*)`/gu)].map(([, method = '', path = '']) => ({ method, path })),
);

t.test('README and openapi.yaml have the same endpoints, but for the pages', async (t) => {
  const { paths } = parse(openapi) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const pages = ['GET /', 'GET /docs', 'GET /openapi.yaml', 'GET /openapi.json'];
  const names = listed.map(({ method, path }) => `${method} ${path}`);
  t.strictSame(names.sort(), [...described, ...pages].sort());
  for (const line of shellLines) {
    for (const [, path = ''] of line.matchAll(/:8080(\/[\w.]*)/gu)) {
      t.ok(
        listed.some((each) => each.path === path),
        line,
      );
    }
  }
});

t.test('the endpoints and the requests of README are answered', async (t) => {
  const run = runRecord('20250731T093000Z-abcd');
  const trainingDir = t.testdir({});
  const folder = await writeRunRecord(trainingDir, run);
  for (const file of ['report.html', 'logs/prepare.log']) await writeFile(join(folder, file), 'x');
  const env = { LOG_LEVEL: 'silent', HAETAE_TRAINING_DIR: trainingDir };
  const app = await buildApp({ config: readConfig(env), engine: new StubEngine() });
  t.teardown(() => app.close());
  const values: Record<string, string> = { id: 'haetae', runId: run.runId, stage: 'prepare' };
  for (const { method, path } of listed.filter((each) => each.method === 'GET')) {
    const url = path.replace(/\{(\w+)\}/gu, (_, name: string) => values[name] ?? '');
    const { statusCode } = await app.inject({ method: method as 'GET', url });
    t.ok([200, 302].includes(statusCode), `${path} ${statusCode}`);
  }
  const requests = shellLines.flatMap((line) =>
    [...line.matchAll(/^curl -sN? \S+:8080(\/\w+) .*-d '(.*)'$/gu)].map(([, url = '', payload = '']) => ({
      url,
      payload,
    })),
  );
  t.strictSame(
    new Set(requests.map(({ url }) => url)),
    new Set(['/classify', '/answer', '/retrieve', '/rerank']),
  );
  for (const { url, payload } of requests) {
    const headers = { 'content-type': 'application/json' };
    const { statusCode, body } = await app.inject({ method: 'POST', url, payload, headers });
    t.equal(statusCode, 200, `${url} ${payload}: ${body}`);
  }
});

t.test('the answers shown are JSON with the fields of openapi.yaml', async (t) => {
  const extra = ['data', 'row', 'line', 'id', 'firstLine']; // data of a problem: any
  const keysOf = (value: unknown): string[] =>
    value !== null && typeof value === 'object'
      ? Object.entries(value).flatMap(([key, inner]) => [
          ...(Array.isArray(value) ? [] : [key]),
          ...keysOf(inner),
        ])
      : [];
  const keys = blocks('json').flatMap((block) => keysOf(JSON.parse(block)));
  t.ok(keys.length > 30);
  for (const key of new Set(keys))
    t.ok(extra.includes(key) || new RegExp(`^ +${key}:$`, 'mu').test(openapi), key);
});

t.test('the table of options is that of /retrieve', async (t) => {
  const table = readme.slice(
    readme.indexOf('| Option | Meaning |'),
    readme.indexOf('What is absent comes from'),
  );
  const names = [...table.matchAll(/^\| `(\w+)` \|/gmu)].map(([, name = '']) => name);
  const { paths } = parse(openapi);
  const { query, ...options } =
    paths['/retrieve'].post.requestBody.content['application/json'].schema.properties;
  t.ok(query);
  t.strictSame(names.sort(), Object.keys(options).sort());
});

t.test('the configuration table is that of api/config.ts', async (t) => {
  const rows = Object.values(settings).map(
    ({ variable, about, defaultText, allowed }) =>
      `| \`${variable}\` | ${about} | ${defaultText} | ${allowed} |`,
  );
  const table = ['| Variable | Meaning | Default | Allowed |', '|---|---|---|---|', ...rows].join('\n');
  t.ok(readme.includes(`\n\n${table}\n\n`), `README.md needs:\n${table}`);
  const variables = Object.values(settings).map(({ variable }) => variable);
  for (const [name] of readme.matchAll(/\bHAETAE_\w+/gu)) t.ok(variables.includes(name), name);
});

t.test('every link leads to a file or a heading', async (t) => {
  const headings = [...readme.matchAll(/^#+ (.*)$/gmu)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s-]/gu, '')
      .replace(/\s/gu, '-'),
  );
  for (const file of ['README.md', 'CHANGELOG.md']) {
    for (const [, target = ''] of (await read(file)).matchAll(/\]\(([^)\s]+)\)/gu)) {
      if (/^https?:/u.test(target)) continue;
      if (target.startsWith('#')) t.ok(headings.includes(target.slice(1)), `${file}: ${target}`);
      else await t.resolves(access(new URL(target, root)), `${file}: ${target}`);
    }
  }
});

t.test('CHANGELOG has the version of package.json', async (t) => {
  const { version } = JSON.parse(await read('package.json'));
  t.ok((await read('CHANGELOG.md')).includes(`\n## [${version}]`), version);
});
