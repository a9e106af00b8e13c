import { inspect } from 'node:util';
import t from 'tap';
import { buildApp } from '../../../api/app.js';
import { readConfig } from '../../../api/config.js';
import { requireAdminKey } from '../../../api/plugins/admin-key.js';
import { StubEngine } from '../../fixtures/stub-engine.js';

interface TestLike {
  teardown(end: () => unknown): void;
}

const key = 'correct-horse-battery-staple';

async function appWith(t: TestLike, env: Record<string, string>) {
  const config = readConfig(env);
  const lines: string[] = [];
  const logger = { level: 'trace', stream: { write: (line: string) => void lines.push(line) } };
  const app = await buildApp({ config, engine: new StubEngine(), logger });
  app.post('/changes', { onRequest: requireAdminKey(config) }, async () => ({ changed: true }));
  t.teardown(() => app.close());
  const change = (authorization?: string) =>
    app.inject({
      method: 'POST',
      url: '/changes',
      headers: authorization === undefined ? {} : { authorization },
    });
  return { app, lines, change };
}

t.test('without a key of the server nothing can be changed, whatever is sent', async (t) => {
  const { change } = await appWith(t, {});
  for (const authorization of [undefined, `Bearer ${key}`, 'Bearer undefined']) {
    const response = await change(authorization);
    t.equal(response.statusCode, 403);
    t.match(response.headers['content-type'], /^application\/problem\+json/u);
    t.match(response.json(), { code: 'FORBIDDEN', detail: /Set HAETAE_ADMIN_KEY/u });
    t.equal(response.headers['www-authenticate'], undefined);
  }
});

t.test('the key lets a change through, under any spelling of the scheme', async (t) => {
  const { change } = await appWith(t, { HAETAE_ADMIN_KEY: key });
  for (const authorization of [`Bearer ${key}`, `bearer ${key}`, `BEARER  ${key} `]) {
    t.strictSame((await change(authorization)).json(), { changed: true }, authorization);
  }
});

t.test('no key, another key and another scheme are told what to send', async (t) => {
  const { change } = await appWith(t, { HAETAE_ADMIN_KEY: key });
  const refused = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    key,
    `Basic ${key}`,
    `Bearer ${key}x`,
    `Bearer ${key.slice(1)}`,
    `Bearer ${key.toUpperCase()}`,
    `Bearer ${key} ${key}`,
  ];
  for (const authorization of refused) {
    const response = await change(authorization);
    t.equal(response.statusCode, 401, String(authorization));
    t.equal(response.headers['www-authenticate'], 'Bearer');
    t.match(response.json(), { code: 'UNAUTHORIZED', detail: /Authorization: Bearer KEY/u });
    t.notMatch(response.body, key.slice(1));
  }
});

t.test('the key is in no log, no reply and no print of the configuration', async (t) => {
  const { app, change, lines } = await appWith(t, { HAETAE_ADMIN_KEY: key });
  await change(`Bearer ${key}`);
  await change('Bearer another-key-altogether');
  const { body } = await app.inject('/version');
  const config = readConfig({ HAETAE_ADMIN_KEY: key });
  const shown = [body, ...lines, JSON.stringify(config), inspect(config, { depth: 9, showHidden: true })];
  t.ok(lines.length >= 2, 'the requests are logged');
  for (const text of shown) t.notOk(/correct-horse|another-key/u.test(text), text);
});
