// Starts the API, posts data/questions/test.csv to /batch, writes submission.csv. See demo.sh.
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

const questionFile = 'data/questions/test.csv';
const submissionFile = 'submission.csv';
const logFile = 'data/work/demo.log';
const host = process.env.HOST ?? '127.0.0.1';
const interactive = process.stdout.isTTY === true;

const say = (text) => console.log(`demo: ${text}`);

async function portIsFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, host, () => probe.close(() => resolve(true)));
  });
}

/** PORT if it is set, else the first free port from 8080 upwards. */
async function choosePort() {
  if (process.env.PORT) return Number(process.env.PORT);
  for (let port = 8080; port < 8100; port++) if (await portIsFree(port)) return port;
  throw new Error('no port from 8080 to 8099 is free. Set PORT to a free one.');
}

async function untilReady(base, server) {
  for (const limit = Date.now() + 60_000; Date.now() < limit; ) {
    if (server.exitCode !== null)
      throw new Error(`the API stopped with code ${server.exitCode}; see ${logFile}`);
    const response = await fetch(`${base}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`the API was not ready after 60 s; see ${logFile}`);
}

async function main() {
  const port = await choosePort();
  const base = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  await mkdir('data/work', { recursive: true });
  const log = openSync(logFile, 'w');
  const started = performance.now();
  const server = spawn(process.execPath, ['dist/cli/haetae.js', 'serve'], {
    env: { ...process.env, PORT: String(port), HOST: host },
    stdio: ['ignore', log, log],
    detached: !interactive,
  });
  process.once('exit', (code) => {
    if (interactive || code !== 0) server.kill();
  });
  // Without this a closed terminal would leave the API behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      server.kill();
      process.exit(130);
    });
  }
  await untilReady(base, server);
  say(`the API is ready at ${base} after ${((performance.now() - started) / 1000).toFixed(1)} s`);

  const posted = performance.now();
  const response = await fetch(`${base}/batch`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: await readFile(questionFile),
  });
  // Bytes, not text: decoding would drop the byte-order mark that the spreadsheet's file has.
  const body = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`POST /batch answered ${response.status}: ${body}`);
  await writeFile(`${submissionFile}.tmp`, body);
  await rename(`${submissionFile}.tmp`, submissionFile);
  const rows = (body.toString().match(/^TEST_\d+,/gm) ?? []).length;
  say(
    `posted ${questionFile} to /batch: ${rows} answers in ${((performance.now() - posted) / 1000).toFixed(1)} s`,
  );
  say(`wrote ${submissionFile}`);
  say(`the page: ${base}/   the API's documentation: ${base}/docs`);
  if (interactive) {
    say('press Ctrl-C to stop the API');
    await new Promise((resolve) => server.once('exit', resolve));
    return;
  }
  server.unref();
  say(`the API goes on in the background; stop it with: kill ${server.pid}`);
}

main().catch((error) => {
  console.error(`demo: ${error.message}`);
  process.exitCode = 1;
  process.exit();
});
