import t from 'tap';
import { readConfig, settings } from '../../api/config.js';

t.test('an empty environment gives the documented defaults', async (t) => {
  t.match(readConfig({}), {
    port: 8080,
    host: '127.0.0.1',
    modelsDir: /models$/,
    bundleId: undefined,
    logLevel: 'info',
    questionDeadlineMs: 30_000,
    batchDeadlineMs: 16_200_000,
    maxRows: 100_000,
    cacheTtlMs: 3_600_000,
  });
  t.ok(readConfig({}).threads >= 1);
  t.strictSame(readConfig({ PORT: '  ' }), readConfig({}));
});

t.test('every variable can be set, and the command line wins', async (t) => {
  const config = readConfig(
    { PORT: ' 0 ', HOST: '::1', HAETAE_BUNDLE: 'b-1.2_x', LOG_LEVEL: 'silent' },
    { port: '81' },
  );
  t.match(config, { port: 81, host: '::1', bundleId: 'b-1.2_x', logLevel: 'silent' });
});

t.test('a value that does not fit is refused by variable, value and what is allowed', async (t) => {
  const table: [string, string][] = [
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80a'],
    ['PORT', '1e3'],
    ['PORT', '99999999999999999999'],
    ['HOST', 'a b'],
    ['HAETAE_BUNDLE', '../up'],
    ['HAETAE_BUNDLE', 'a/b'],
    ['HAETAE_THREADS', '0'],
    ['LOG_LEVEL', 'loud'],
    ['HAETAE_MAX_ROWS', '0'],
    ['HAETAE_BATCH_DEADLINE_MS', '1.5'],
  ];
  for (const [variable, value] of table) {
    t.throws(
      () => readConfig({ [variable]: value }),
      {
        code: 'CONFIG_INVALID',
        data: { variable, value, allowed: /./ },
        message: new RegExp(`^${variable} is .*allowed: `),
      },
      `${variable}=${value}`,
    );
  }
});

t.test('a key that does not fit is refused without being shown', async (t) => {
  for (const key of [
    'only-15-letters',
    'x'.repeat(513),
    'a key with white space',
    '열여섯글자가넘는관리자열쇠입니다요',
  ]) {
    try {
      readConfig({ HAETAE_ADMIN_KEY: key });
      t.fail(key);
    } catch (error) {
      t.match(error, { code: 'CONFIG_INVALID', message: /^HAETAE_ADMIN_KEY does not fit.*16 to 512/u });
      t.notOk(`${JSON.stringify(error)}${error}`.includes(key));
    }
  }
});

t.test('each setting has a variable of its own, and its default is allowed', async (t) => {
  const all = Object.values(settings);
  t.equal(new Set(all.map(({ variable }) => variable)).size, all.length);
  for (const { variable, fallback, parse, about, defaultText } of all) {
    const value = fallback();
    if (value !== undefined) t.strictSame(parse(String(value)), value, variable);
    t.ok(about !== '' && defaultText !== '');
  }
});
