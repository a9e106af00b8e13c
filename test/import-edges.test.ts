import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../', import.meta.url));
const rooms = ['api', 'cli', 'shared', 'training'] as const;

interface Source {
  /** Relative to the root, e.g. `shared/errors.ts`. */
  path: string;
  text: string;
  /** Module names as written. */
  imports: string[];
}

/** `from '…'`, `import '…'`, `import('…')`, `require('…')`, `resolve('…')` of modules. */
const importPattern = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*|\.resolve\(\s*)'([^'\n]+)'/gu;

const sources: Source[] = rooms.flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(root, room, name), 'utf8');
      const imports = [...text.matchAll(importPattern)].map((match) => match[1] as string);
      return { path: join(room, name), text, imports };
    }),
);

/** The file that a relative import means, relative to the root; undefined for a package. */
function target(from: string, name: string): string | undefined {
  if (!name.startsWith('.')) return undefined;
  return relative(root, join(root, dirname(from), name.replace(/\.js$/u, '.ts')));
}

t.test('api and training import shared, shared imports neither, cli may import all', async (t) => {
  const allowed: Record<string, readonly string[]> = {
    api: ['api', 'shared'],
    training: ['training', 'shared'],
    shared: ['shared'],
    cli: rooms,
  };
  t.ok(sources.length > 100, 'the sources are found');
  for (const { path, imports } of sources) {
    const room = path.split('/')[0] as string;
    for (const name of imports) {
      const to = target(path, name)?.split('/')[0];
      if (to && !allowed[room]?.includes(to)) t.fail(`${path} imports ${name}`);
    }
  }
});

t.test('every relative import names a file that is there', async (t) => {
  const files = new Set(sources.map(({ path }) => path));
  for (const { path, imports } of sources) {
    for (const name of imports) {
      const to = target(path, name);
      if (to?.endsWith('.ts') && !files.has(to)) t.fail(`${path} imports ${name}, which is not there`);
    }
  }
});

t.test('no file imports itself by a detour, types and imports at run time aside', async (t) => {
  const edges = new Map<string, string[]>();
  for (const { path, text } of sources) {
    const values = text.replace(/^(?:import|export) type [^;]*;|\bimport\(/gmu, '');
    const names = [...values.matchAll(importPattern)].map((match) => match[1] as string);
    edges.set(
      path,
      names.map((name) => target(path, name)).filter((to) => to !== undefined),
    );
  }
  const state = new Map<string, 'open' | 'done'>();
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return;
    if (state.get(path) === 'open') {
      t.fail([...trail.slice(trail.indexOf(path)), path].join(' → '));
      return;
    }
    state.set(path, 'open');
    for (const to of edges.get(path) ?? []) visit(to, [...trail, path]);
    state.set(path, 'done');
  };
  for (const path of edges.keys()) visit(path, []);
});

t.test('each native or foreign library enters through one file', async (t) => {
  const doors: Record<string, string> = {
    'onnxruntime-node': 'shared/onnx/session.ts',
    tokenizers: 'shared/lm/tokenizer.ts',
    'garu-ko': 'shared/text/morphemes.ts',
    'wink-bm25-text-search': 'training/bm25/learn-bm25.ts',
    'pdfjs-dist': 'training/documents/pdf.ts',
    mammoth: 'training/documents/docx.ts',
    parse5: 'training/documents/html.ts',
    marked: 'training/documents/markdown.ts',
    bree: 'training/schedule/schedule-bree.ts',
    jiti: 'training/pipeline/read-config-content.ts',
  };
  for (const [library, door] of Object.entries(doors)) {
    const users = sources
      .filter(({ text }) => {
        const values = text.replace(/^import type [^;]*;/gmu, '');
        return [...values.matchAll(importPattern)].some(
          ([, name]) => name === library || name?.startsWith(`${library}/`),
        );
      })
      .map(({ path }) => path);
    t.strictSame(users, [door], library);
  }
  const addon = sources.filter(({ text }) =>
    /faiss\.node/u.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/gu, '')),
  );
  t.strictSame(
    addon.map(({ path }) => path),
    ['shared/retrieval/faiss/addon.ts'],
  );
});

// The one exception, to the letter: a constant that the library reads when it is loaded.
const telemetrySwitch = "process.env.ORT_DISABLE_TELEMETRY = '1';";

t.test('the environment is read in one file per program, and nowhere in shared', async (t) => {
  const readers = (room: string): string[] =>
    sources
      .filter(
        ({ path, text }) =>
          path.startsWith(`${room}/`) && /process\.env\b/u.test(text.replace(telemetrySwitch, '')),
      )
      .map(({ path }) => path);
  t.strictSame(readers('shared'), []);
  for (const room of ['api', 'cli', 'training']) t.ok(readers(room).length <= 1, readers(room).join(', '));
});
