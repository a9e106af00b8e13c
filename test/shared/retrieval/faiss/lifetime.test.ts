/**
 * What must not happen to a process that uses the addon: a crash at exit, a crash because the garbage collector
 * was faster than a search, a leak. Each case is a small process of its own, which loads the addon directly.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const addon = fileURLToPath(new URL('../../../../build/faiss.node', import.meta.url));

const setup = `
  const faiss = require(${JSON.stringify(addon)});
  const random = (n) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * i));
  const build = (n, d, kind = 'Flat') => {
    const index = new faiss.Index(d, kind, 0);
    const x = random(n * d);
    if (!index.isTrained()) index.train(x);
    index.add(x);
    return index;
  };
`;

/** The last line a program printed, or how it died. */
function run(program: string): string {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--expose-gc',
      '-e',
      `${setup}\n(async () => {${program}})().catch((e) => { console.log(e); process.exit(9); })`,
    ],
    { encoding: 'utf8', timeout: 60_000 },
  );
  const last = stdout.trim().split('\n').at(-1) ?? '';
  return status === 0 ? last : `${last} exit ${status} ${signal} ${stderr.slice(-500)}`;
}

t.test('a process ends cleanly after a search, and with searches in flight', (t) => {
  t.equal(run(`console.log(build(10, 8).search(random(8), 1).labels[0])`), '0');
  t.equal(
    run(`
      faiss.setOmpThreads(2);
      const index = build(20000, 128);
      for (let i = 0; i < 20; i++) index.searchAsync(random(50 * 128), 10);
      console.log('queued');`),
    'queued',
    'the loop waits for them',
  );
  for (const exit of [
    'process.exit(0)',
    'setImmediate(() => process.exit(0))',
    'setTimeout(() => process.exit(0), 20)',
  ])
    t.equal(
      run(`
        faiss.setOmpThreads(2);
        for (const kind of ['Flat', 'HNSW8', 'IVF16,Flat']) {
          const index = build(2000, 64, kind);
          for (let i = 0; i < 10; i++) index.searchAsync(random(200 * 64), 10, 'nprobe=' + (1 + i % 3));
        }
        console.log('leaving');
        ${exit};
        await new Promise(() => setInterval(() => {}, 1000));`),
      'leaving',
      exit,
    );
  t.end();
});

t.test('an index may be collected while it is searched', (t) => {
  t.equal(
    run(`
      const searches = [];
      for (let i = 0; i < 30; i++) searches.push(build(3000, 32).searchAsync(random(20 * 32).fill(1), 3));
      for (let i = 0; i < 10; i++) { gc(); await new Promise(setImmediate); }
      const results = await Promise.all(searches);
      console.log(results.length, new Set(results.map(({ labels }) => String(labels))).size);`),
    '30 1',
  );
  t.end();
});

t.test('worker threads load the addon too, search at once, and end at any time', (t) => {
  t.equal(
    run(`
      const { Worker } = require('node:worker_threads');
      const program = ${JSON.stringify(setup)} + \`
        const { parentPort } = require('node:worker_threads');
        const index = build(2000, 32);
        index.searchAsync(random(32), 1).then(({ labels }) => {
          parentPort.postMessage(labels[0]);
          for (let i = 0; i < 20; i++) index.searchAsync(random(100 * 32), 5);
        });\`;
      const expected = build(2000, 32).search(random(32), 1).labels[0];
      const answers = await Promise.all([1, 2, 3].map((each) => new Promise((resolve, reject) => {
        const worker = new Worker(program, { eval: true });
        worker.on('error', reject);
        worker.on('message', async (label) => {
          if (each !== 1) await worker.terminate();
          resolve(label);
        });
      })));
      console.log(answers.every((label) => label === expected));`),
    'true',
  );
  t.end();
});

/**
 * Grows by less than a tenth of what one leaked query per search would cost, in one of three rounds
 * after a first one: a leak grows in every round, the allocator's habits do not.
 * 3,000 searches × 4 queries × 1,024 floats × 4 bytes = 49 MB.
 */
const slope = (search: string) => `
  const index = build(20, 1024);
  const queries = random(4 * 1024);
  const leaked = [];
  const round = async () => { for (let i = 0; i < 3000; i++) { ${search} } gc(); };
  await round();
  let grown = 1;
  for (let i = 0; i < 3 && grown >= 0.1; i++) {
    const before = process.memoryUsage().rss;
    await round();
    grown = (process.memoryUsage().rss - before) / (3000 * 4 * 4096);
  }
  console.log(grown < 0.1 ? 'flat' : 'grew by ' + grown + ' queries per search');`;

t.test('searching does not leak, and a leak of one query per search would be seen', (t) => {
  t.equal(run(slope('index.search(queries, 5);')), 'flat');
  t.equal(run(slope('await index.searchAsync(queries, 5);')), 'flat');
  t.equal(run(slope('try { index.search(queries, 0); } catch {}')), 'flat', 'nor do errors');
  t.match(run(slope('index.search(queries, 5); leaked.push(queries.slice());')), /^grew by (0\.9|1\.)/);
  t.end();
});

t.test('an index gives its memory back when it is collected', (t) => {
  t.equal(
    run(`
      const bytes = build(4000, 1024).toBuffer(); // 16 MB
      const round = async () => {
        for (let i = 0; i < 8; i++) { faiss.Index.fromBuffer(bytes); gc(); await new Promise(setImmediate); }
      };
      await round();
      const before = process.memoryUsage().rss;
      await round();
      await round();
      const grown = (process.memoryUsage().rss - before) / bytes.length;
      console.log(grown < 4 ? 'flat' : 'grew by ' + grown + ' of 16 indices');`),
    'flat',
  );
  t.end();
});
