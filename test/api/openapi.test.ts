import { readFile } from 'node:fs/promises';
import t from 'tap';
import { parse } from 'yaml';
import { describeApi } from '../../api/describe-api.js';
import { errorTable } from '../../shared/errors.js';

const committed = await readFile(new URL('../../openapi.yaml', import.meta.url), 'utf8');

t.test('openapi.yaml is what the routes say; node --import=tsx api/write-openapi.ts renews it', async (t) => {
  t.equal(committed, await describeApi());
});

t.test('every path documents its errors, with codes and statuses of the one table', async (t) => {
  const { paths } = parse(committed) as {
    paths: Record<
      string,
      Record<string, { responses: Record<string, { description: string; content?: object }> }>
    >;
  };
  t.strictSame(Object.keys(paths).sort(), [
    '/answer',
    '/batch',
    '/classify',
    '/livez',
    '/metrics',
    '/models',
    '/models/activate',
    '/models/rollback',
    '/readyz',
    '/rerank',
    '/retrieve',
    '/training/runs',
    '/training/runs/{runId}',
    '/training/runs/{runId}/logs/{stage}',
    '/training/runs/{runId}/report',
    '/training/runs/{runId}/stop',
    '/v1/chat/completions',
    '/v1/embeddings',
    '/v1/models',
    '/v1/models/{id}',
    '/version',
  ]);
  for (const [path, methods] of Object.entries(paths)) {
    const mediaType = path.startsWith('/v1/') ? 'application/json' : 'application/problem+json';
    for (const { responses } of Object.values(methods)) {
      t.ok(responses['500'], path);
      for (const [status, { description, content }] of Object.entries(responses)) {
        if (status.startsWith('2')) continue;
        t.strictSame(Object.keys(content ?? {}), [mediaType], `${path} ${status}`);
        const codes = [...description.matchAll(/`([A-Z_]+)`/gu)].map(
          ([, code]) => code as keyof typeof errorTable,
        );
        t.ok(codes.length > 0, `${path} ${status}`);
        for (const code of codes) t.equal(String(errorTable[code]?.status), status, `${path} ${code}`);
      }
    }
  }
});

t.test('every reference leads somewhere', async (t) => {
  const { components } = parse(committed) as { components: { schemas: Record<string, unknown> } };
  const names = [...committed.matchAll(/#\/components\/schemas\/(\w+)/gu)].map(([, name]) => name ?? '');
  t.ok(names.length > 10);
  for (const name of new Set(names)) t.ok(components.schemas[name], name);
});
