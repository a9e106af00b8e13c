import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { quantizeCommand } from '../../../cli/commands/quantize.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const model = join(root, 'test/fixtures/tiny-trained');
const statutes = join(root, 'data/raw/law-md');

async function quantize(t: Test, ...args: string[]): Promise<string[]> {
  const out = t.capture(process.stdout, 'write');
  const progress = t.capture(process.stderr, 'write');
  try {
    const command = quantizeCommand()
      .exitOverride()
      .configureOutput({ writeErr: () => {} });
    await command.parseAsync([model, '--threads', '1', ...args], { from: 'user' });
    return out()
      .map(({ args: [text] }) => String(text))
      .join('')
      .split('\n');
  } finally {
    out.restore();
    progress.restore();
  }
}

t.test('the default rounds, and says what was written and what to run next', async (t) => {
  const out = join(t.testdir({}), 'int4');
  const lines = await quantize(t, '-o', out);
  t.match(lines[0], /^size +float32 0\.26 MB, checkpoint 0\.13 MB, now 0\.09 MB \(10\.40 bits a weight/);
  t.equal(lines.at(-3), `quantize: wrote ${out} (4 bits, block 32, head 8 bits, rtn)`);
  t.match(lines.at(-2), /^Next: haetae lm generate --model .*models import/);
  const report = JSON.parse(await readFile(join(out, 'quantization-report.json'), 'utf8'));
  t.match(report, {
    ...{ bits: 4, blockSize: 32, headBits: 8, embedding: 'checkpoint', method: 'rtn' },
    ...{ calibration: null, quality: null, parameters: 65_856 },
    bytes: {
      float32: 263_424,
      checkpoint: 133_768,
      quantized: (await stat(join(out, 'model.safetensors'))).size,
    },
  });
  t.ok(report.seconds > 0 && report.peakRssBytes > 1e7);
});

t.test('with a calibration text it calibrates; a report measures the cost', async (t) => {
  const folder = t.testdir({});
  const text = join(folder, 'text.txt');
  await writeFile(text, (await readFile(join(statutes, '한국은행법.md'), 'utf8')).slice(3000, 4500));
  const out = join(folder, 'int4');
  const lines = await quantize(
    t,
    ...['-o', out, '--calibration', join(statutes, '은행법.md'), '--calibration-tokens', '4096'],
    ...['--report', '--report-text', text, '--report-tokens', '600', '--report-count', '5'],
  );
  t.match(lines[2], /^perplexity +float32 \d\.\d{3}, now \d\.\d{3} \(× 1\.\d{4}\).* 599 tokens of /);
  t.match(lines[3], /^choices +the same in \d+\.0 % of 5 questions/);
  const report = JSON.parse(await readFile(join(out, 'quantization-report.json'), 'utf8'));
  t.match(report, { method: 'gptq', calibration: { tokens: 4096 }, quality: { tokens: 599 } });
});

t.test('a report that fails leaves the folder, and what was written is said first', async (t) => {
  const folder = t.testdir({ 'short.txt': 'a' });
  const out = join(folder, 'int4');
  const args = ['--report', '--report-text', join(folder, 'short.txt'), '--report-count', '0'];
  // Nothing is asserted while stdout is captured: assertions are written there too.
  const printed = t.capture(process.stdout, 'write');
  const failure = await quantizeCommand()
    .parseAsync([model, '-o', out, '--threads', '1', ...args], { from: 'user' })
    .catch((error: unknown) => error);
  const lines = printed().map(({ args: [text] }) => String(text));
  printed.restore();
  t.match(failure, { code: 'USAGE', message: /1 tokens/ });
  t.ok(lines.at(-2)?.startsWith(`quantize: wrote ${out} `));
  t.equal(JSON.parse(await readFile(join(out, 'quantization-report.json'), 'utf8')).quality, null);
});

t.test('perplexity measured on the calibration text is called that', async (t) => {
  const text = join(statutes, '은행법.md');
  const lines = await quantize(
    t,
    ...['-o', join(t.testdir({}), 'int4'), '--calibration', text, '--calibration-tokens', '1024'],
    ...['--report', '--report-text', text, '--report-tokens', '100', '--report-count', '0'],
  );
  t.match(lines[3], /measured on the calibration text/);
});

t.test('options that do not go together are wrong usage, before any work', async (t) => {
  const out = join(t.testdir({}), 'int4');
  await t.rejects(quantize(t, '-o', out, '--method', 'gptq'), {
    code: 'USAGE',
    message: /--calibration FILE/,
  });
  const text = join(statutes, '은행법.md');
  await t.rejects(quantize(t, '-o', out, '--method', 'rtn', '--calibration', text), { code: 'USAGE' });
  await t.rejects(quantize(t, '-o', out, '--calibration', join(out, 'nowhere')), { code: 'FILE_NOT_FOUND' });
  await t.rejects(quantize(t, '-o', out, '--report', '--report-text', out), { code: 'FILE_NOT_FOUND' });
  for (const wrong of [
    ['--bits', '3'],
    ['--block', '48'],
    ['--head-bits', '16'],
    ['--embedding', 'none'],
    ['--method', 'awq'],
  ]) {
    await t.rejects(quantize(t, '-o', out, ...wrong), { code: 'commander.invalidArgument' });
  }
  await t.rejects(quantize(t), { code: 'commander.missingMandatoryOptionValue' });
  await t.rejects(stat(out), { code: 'ENOENT' });
});
