/**
 * A real server on real bundles: changing over under load, and bundles that must not be changed over to.
 */
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { treeMemory } from '../../bench/measure.js';
import { activateBundle, hashFile } from '../../shared/bundle/bundle-store.js';
import type { BundleManifest } from '../../shared/bundle/manifest.js';
import { compileProgram } from '../fixtures/compile-program.js';
import { readEvents } from '../fixtures/read-events.js';
import { type ServedProcess, serveProcess } from '../fixtures/served-process.js';
import {
  choiceQuestions,
  openQuestions,
  queries,
  type TwoIds,
  writeTwoBundles,
} from '../fixtures/two-bundles.js';

const swaps = 50;
const clients = 4;
/** Between two requests of a client. */
const paceMs = 200;

const root = t.testdir({});
const program = join(root, 'program', 'test', 'fixtures', 'serve-faulty.js');
let bundles: string;

// Each change starts a process: a minute on two idle cores, several where others work beside.
t.setTimeout(600_000);

t.before(async () => {
  await compileProgram(join(root, 'program'), [
    'test/fixtures/faulty-engine.ts',
    'test/fixtures/serve-faulty.ts',
  ]);
  bundles = await writeTwoBundles(join(root, 'bundles'));
});

/** A server on a folder of its own, with both bundles. */
async function serve(t: Test, environment: Record<string, string> = {}) {
  const modelsDir = join(t.testdir({}), 'models');
  await cp(bundles, modelsDir, { recursive: true });
  const server = await serveProcess(t, program, { HAETAE_MODELS_DIR: modelsDir, ...environment });
  await server.logged(({ msg }) => msg === 'engine ready');
  return { modelsDir, server };
}

/** What a reply says, without what differs between two of the same: times and ids of requests. */
interface Said {
  bundleId: string;
  content: string;
}

/** One request of each kind, by a number; the same number asks the same of either bundle. */
const asks: Record<string, (server: ServedProcess, i: number, salt: number) => Promise<Said>> = {
  choice: async ({ post }, i, salt) => {
    const reply = await post('/answer', { question: pick(choiceQuestions, i), ...uncached(salt) });
    return answerOf(await bodyOf(reply));
  },
  cachedChoice: async ({ post }, i) =>
    answerOf(await bodyOf(await post('/answer', { question: pick(choiceQuestions, i) }))),
  open: async ({ post }, i, salt) => {
    const body = { question: pick(openQuestions, i), ...uncached(salt) };
    const reply = await post('/answer', body, { accept: 'text/event-stream' });
    const events = readEvents(await reply.text());
    const { passages } = events.find(({ event }) => event === 'retrieval')!.data as {
      passages: { chunkId: string }[];
    };
    const answer = answerOf(events.at(-1)!.data as Record<string, unknown>);
    return { ...answer, content: `${answer.content} ${passages.map(({ chunkId }) => chunkId)}` };
  },
  retrieve: async ({ post }, i, salt) => {
    const { retrieval } = uncached(salt).options;
    const { bundleId, passages } = (await bodyOf(
      await post('/retrieve', { query: pick(queries, i), ...retrieval }),
    )) as { bundleId: string; passages: { chunk: { chunkId: string; content: string } }[] };
    return {
      bundleId,
      content: passages.map(({ chunk }) => `${chunk.chunkId} ${chunk.content}`).join(' '),
    };
  },
  chat: async ({ post }, i) => {
    const messages = [{ role: 'user', content: pick(queries, i) }];
    const reply = await post('/v1/chat/completions', {
      model: 'haetae',
      messages,
      max_tokens: 8,
      temperature: 0,
      stream: true,
      logprobs: true,
    });
    const chunks = readEvents(await reply.text())
      .map(({ data }) => data)
      .filter((data) => data !== '[DONE]') as {
      model: string;
      choices: { logprobs: { content: { token: string }[] } | null }[];
    }[];
    if (chunks.length !== 10) throw new Error(`the stream ended early: ${JSON.stringify(chunks)}`);
    const models = new Set(chunks.map(({ model }) => model));
    const text = chunks.map(({ choices }) => choices[0]?.logprobs?.content[0]?.token ?? '').join('');
    return { bundleId: [...models].join(' and '), content: text };
  },
};
const kinds = Object.keys(asks);

/** More candidates than there are chunks change nothing but the key of the cache. */
function uncached(salt: number) {
  return { options: { retrieval: { candidates: 100 + (salt % 900) } } };
}

async function bodyOf(reply: Response): Promise<Record<string, unknown>> {
  if (reply.status !== 200) throw new Error(`status ${reply.status}: ${await reply.text()}`);
  return (await reply.json()) as Record<string, unknown>;
}

function answerOf(body: Record<string, unknown>): Said {
  const { bundleId, answer, usedFallback, choices, citations } = body as {
    bundleId: string;
    answer: string;
    usedFallback: boolean;
    choices: { probability: number }[];
    citations: { chunkId: string; evidence: string }[];
  };
  if (usedFallback) throw new Error(`the fallback answered: ${JSON.stringify(body)}`);
  const weighed = choices.map(({ probability }) => probability.toFixed(3));
  const cited = citations.map(({ chunkId, evidence }) => `${chunkId} ${evidence}`);
  return { bundleId, content: [answer, ...weighed, ...cited].join(' | ') };
}

function pick<T>(list: readonly T[], i: number): T {
  return list[i % list.length] as T;
}

interface ModelsReply {
  served: string | null;
  wanted: string | null;
  rollbackTo: string | null;
  bundles: { id: string; refusal: { code: string; reason: string } | null; fault: string | null }[];
}

t.test(`${swaps} changes of the bundle under load`, async (t) => {
  const { modelsDir, server } = await serve(t);
  const ids = ['alpha', 'beta'] as const satisfies readonly TwoIds[];
  const expected = new Map<string, string>();
  for (const id of ['beta', 'alpha'] as const) {
    t.equal((await server.post('/models/activate', { id })).status, 200);
    for (const kind of kinds) {
      for (let i = 0; i < choiceQuestions.length; i++) {
        const said = await asks[kind]!(server, i, 0);
        t.equal(said.bundleId, id, 'the reply names the bundle that serves');
        expected.set(`${id} ${kind} ${i}`, said.content);
      }
    }
  }
  const differing = [...expected].filter(
    ([key, content]) => key.startsWith('alpha ') && content !== expected.get(key.replace('alpha', 'beta')),
  );
  t.equal(differing.length, expected.size / 2, 'each reply tells the bundles apart');

  let done = false;
  const failures: string[] = [];
  const replies: Record<string, number> = {};
  /** What any reply to a request that begins now must come from; undefined while a change is under way. */
  let settled: { id: TwoIds } | undefined = { id: 'alpha' };
  const client = async (number: number) => {
    for (let n = number; !done; n += clients) {
      const kind = pick(kinds, n);
      const i = n % choiceQuestions.length;
      const before = settled;
      try {
        const { bundleId, content } = await asks[kind]!(server, i, n);
        const wanted = expected.get(`${bundleId} ${kind} ${i}`);
        if (content !== wanted) failures.push(`${kind} ${i} of ${bundleId}: ${content}, not ${wanted}`);
        if (before !== undefined && before === settled && bundleId !== before.id)
          failures.push(`${kind} ${i} came from ${bundleId} while only ${before.id} served`);
        replies[`${bundleId} ${kind}`] = (replies[`${bundleId} ${kind}`] ?? 0) + 1;
      } catch (error) {
        failures.push(`${kind} ${i}: ${error}`);
      }
      await sleep(paceMs);
    }
  };
  const load = Array.from({ length: clients }, (_, number) => client(number));
  t.teardown(() => {
    done = true;
  });

  const memory: number[] = [];
  const times: number[] = [];
  for (let i = 0; i < swaps; i++) {
    const id = ids[(i + 1) % 2]!;
    settled = undefined;
    const started = performance.now();
    if (i % 4 < 2) {
      const reply = await server.post('/models/activate', { id });
      t.equal(reply.status, 200);
      t.match(await reply.json(), { bundleId: id, previousId: ids[i % 2] });
    } else {
      await activateBundle(modelsDir, id);
      await serves(server, id);
    }
    times.push(performance.now() - started);
    settled = { id };
    memory.push(await memoryOf(server, 1));
  }
  done = true;
  await Promise.all(load);

  t.strictSame(failures, [], 'every reply came, and from one bundle alone');
  t.equal(Object.keys(replies).length, 2 * kinds.length, 'every kind was asked of both bundles');
  const after = await server.get<ModelsReply>('/models');
  t.match(after, { served: 'alpha', wanted: 'alpha' });
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  t.match(metrics, new RegExp(`^haetae_bundle_swaps_total ${swaps + 2}$`, 'mu'));
  t.match(metrics, /^haetae_engine_restarts_total 0$/mu);
  // Of the first changes the caches are still filling.
  const [level, last] = [memory.slice(5, 15), memory.slice(-10)].map((part) => Math.min(...part));
  t.comment({ replies, level, last, highest: Math.max(...memory), slowestMs: Math.max(...times) });
  t.ok(last! < level! * 1.15, `memory stays at its level: ${level} MB, then ${last} MB`);
  t.ok(Math.max(...memory) < level! * 1.4, 'and is back there after each change');
  await server.stop();
});

/** Waits until the server serves this bundle. */
async function serves(server: ServedProcess, id: string): Promise<void> {
  await server.until(`'${id}' to serve`, async () =>
    (await server.get<ModelsReply>('/models')).served === id ? true : undefined,
  );
}

/** Resident memory of the server and its engine, once `engines` are left; NaN where the system does not tell. */
async function memoryOf(server: ServedProcess, engines: number): Promise<number> {
  return server.until(`${engines} engine beside the server, and no more`, async () => {
    const tree = await treeMemory(server.pid);
    if (tree === null) return Number.NaN;
    return tree.processes === 1 + engines ? tree.rssMb : undefined;
  });
}

/** A copy of `beta` under another id, to which something happens. */
async function spoil(modelsDir: string, id: string, change: Spoil): Promise<void> {
  const folder = join(modelsDir, id);
  await cp(join(modelsDir, 'beta'), folder, { recursive: true });
  const path = join(folder, 'manifest.json');
  const manifest = { ...JSON.parse(await readFile(path, 'utf8')), id } as BundleManifest;
  await writeFile(path, JSON.stringify(await change(manifest, folder)));
}
type Spoil = (manifest: BundleManifest, folder: string) => Promise<object> | object;

/** Changes one byte of a text, so that it is still a text. */
async function flip(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.indexOf('guide') + 1;
  bytes[at] = bytes[at]! ^ 1;
  await writeFile(path, bytes);
}

/** Probes that were taken from another bundle. */
async function withForeignProbes(manifest: BundleManifest, folder: string): Promise<object> {
  const probe = {
    question: choiceQuestions[0],
    answer: '1',
    usedFallback: false,
    choices: [0.9, 0.05, 0.05].map((probability, i) => ({ number: i + 1, probability })),
    passages: ['beta-0'],
  };
  const path = join(folder, 'probes.jsonl');
  await writeFile(path, JSON.stringify(probe));
  const { length: bytes } = await readFile(path);
  const files = [...manifest.files, { path: 'probes.jsonl', bytes, sha256: await hashFile(path) }];
  return { ...manifest, files, probes: 'probes.jsonl' };
}

const faults: [id: string, code: string, reason: RegExp, change: Spoil][] = [
  [
    'truncated',
    'BUNDLE_INVALID',
    /chunks\.jsonl has 100 bytes, expected/,
    async (manifest, folder) => {
      await truncate(join(folder, 'chunks.jsonl'), 100);
      return manifest;
    },
  ],
  [
    'missing',
    'BUNDLE_INVALID',
    /vector-rows\.u32 is missing/,
    async (manifest, folder) => {
      await rm(join(folder, 'vector-rows.u32'));
      return manifest;
    },
  ],
  [
    'flipped',
    'BUNDLE_CHECKSUM',
    /chunks\.jsonl has sha256/,
    async (manifest, folder) => {
      await flip(join(folder, 'chunks.jsonl'));
      return manifest;
    },
  ],
  ['other-format', 'BUNDLE_INVALID', /bundle format 2/, (manifest) => ({ ...manifest, formatVersion: 2 })],
  [
    'other-tokens',
    'BUNDLE_INVALID',
    /tokenisation/,
    (manifest) => ({ ...manifest, index: { ...manifest.index, tokenizerVersion: 'none' } }),
  ],
  [
    'other-embedder',
    'BUNDLE_INVALID',
    /another embedder/,
    (manifest) => ({ ...manifest, embedder: { ...manifest.embedder, fingerprint: 'none' } }),
  ],
  ['other-answers', 'BUNDLE_REFUSED', /probe 1 of 1: expected 1 .*, got 2/, withForeignProbes],
  ['crash', 'ENGINE_CRASHED', /SIGKILL/, (manifest) => manifest],
];

t.test('a bundle that is not sound is refused with the reason, and the old one serves on', async (t) => {
  const { modelsDir, server } = await serve(t);
  const before = await server.get<{ engine: { info: object } }>('/version');
  for (const [id, code, reason, change] of faults) {
    await spoil(modelsDir, id, change);
    const reply = await server.post('/models/activate', { id });
    t.equal(reply.status, 409, id);
    t.match(await reply.json(), {
      code: 'BUNDLE_REFUSED',
      detail: reason,
      data: { bundleId: id, cause: code, served: 'alpha' },
    });
    const models = await server.get<ModelsReply>('/models');
    t.match(models, { served: 'alpha', wanted: 'alpha' });
    t.match(models.bundles.find((bundle) => bundle.id === id)?.refusal, { code, reason });
    await server.logged(({ msg, bundleId }) => /^bundle refused/u.test(String(msg)) && bundleId === id);
    t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'alpha\n', 'current is as it was');
  }
  const { engine } = await server.get<{ engine: { info: object; crashes: number } }>('/version');
  t.strictSame(engine.info, before.engine.info, 'the engine is the same');
  t.equal(engine.crashes, 0, 'what did not come up is no crash of what serves');
  const said = await asks.choice!(server, 0, 1);
  t.equal(said.bundleId, 'alpha');
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  t.match(metrics, /^haetae_bundle_refusals_total\{code="BUNDLE_INVALID"\} 5$/mu);
  t.match(metrics, /^haetae_bundle_refusals_total\{code="ENGINE_CRASHED"\} 1$/mu);
  t.match(metrics, /^haetae_bundle_info\{bundle_id="alpha",role="served"\} 1$/mu);
  t.not(await memoryOf(server, 1), 0, 'no engine is left behind');

  await t.test('so is one that models/current names, until it is repaired', async (t) => {
    await writeFile(join(modelsDir, 'current'), 'flipped\n');
    const refusals = () =>
      server.log.filter(
        ({ msg, bundleId }) => /^bundle refused/u.test(String(msg)) && bundleId === 'flipped',
      );
    await server.until('a second refusal', async () => refusals()[1]);
    t.match(await server.get<ModelsReply>('/models'), { wanted: 'flipped', served: 'alpha' });
    await cp(join(modelsDir, 'beta', 'chunks.jsonl'), join(modelsDir, 'flipped', 'chunks.jsonl'));
    await serves(server, 'flipped');
    t.pass('it is tried again by itself');
  });
  await server.stop();
});

t.test('a server whose bundle is damaged starts on the last good one, and says so', async (t) => {
  const modelsDir = join(t.testdir({}), 'models');
  await cp(bundles, modelsDir, { recursive: true });
  await activateBundle(modelsDir, 'beta');
  await flip(join(modelsDir, 'beta', 'chunks.jsonl'));
  const server = await serveProcess(t, program, { HAETAE_MODELS_DIR: modelsDir });
  await server.logged(({ msg }) => msg === 'engine ready');
  const models = await server.get<ModelsReply>('/models');
  t.match(models, { served: 'alpha', wanted: 'beta', rollbackTo: 'alpha' });
  t.match(models.bundles.find(({ id }) => id === 'beta')?.refusal, { code: 'BUNDLE_CHECKSUM' });
  t.ok(
    server.log.some(
      ({ level, wanted, bundleId }) => level === 50 && wanted === 'beta' && bundleId === 'alpha',
    ),
  );
  t.match(await (await fetch(`${server.url}/metrics`)).text(), /^haetae_bundle_wanted_is_served 0$/mu);

  await t.test('a rollback makes that one the wanted one', async (t) => {
    const reply = await server.post('/models/rollback');
    t.match(await reply.json(), { bundleId: 'alpha', swapMs: 0, passedOver: [] });
    t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'alpha\n');
    t.match(await (await server.post('/models/rollback')).json(), {
      code: 'BUNDLE_REFUSED',
      detail: /no earlier bundle/,
    });
  });
  await server.stop();
});

t.test('a kill while another bundle loads leaves the old one to start with', async (t) => {
  const { modelsDir, server } = await serve(t);
  await spoil(modelsDir, 'endless', (manifest) => manifest);
  t.equal((await server.post('/models/activate', { id: 'none' })).status, 404);
  t.equal(
    (await server.post('/models/activate', { id: 'beta' }, { authorization: 'Bearer no' })).status,
    401,
  );
  const reply = await server.post('/models/activate', { id: 'endless', wait: false });
  t.equal(reply.status, 202);
  await server.until("'endless' to load", async () => {
    const { loading } = await server.get<ModelsReply & { loading: string }>('/models');
    return loading === 'endless' ? true : undefined;
  });
  server.kill('SIGKILL');
  await server.ended;
  t.equal(await readFile(join(modelsDir, 'current'), 'utf8'), 'alpha\n');
  t.notOk((await readdir(modelsDir)).some((name) => name.endsWith('.tmp')));
});
