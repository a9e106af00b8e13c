/** `GET /version`: what runs here, on which bundle, and how it has fared. */
import Type from 'typebox';
import type { App, Services } from '../app.js';
import { problems } from '../schemas/components.js';

const Counters = Type.Object({
  entries: Type.Integer(),
  hits: Type.Integer(),
  misses: Type.Integer(),
  coalesced: Type.Integer(),
});

const Student = Type.Object({
  description: Type.String({ description: 'Family and precision' }),
  contextLength: Type.Integer({ description: 'Longest prompt and output together, tokens' }),
  weightBytes: Type.Integer(),
  mode: Type.String({ description: 'How choices are scored' }),
});

const LanguageModel = Type.Object({
  slots: Type.Integer({ description: 'Texts it can work on at once' }),
  slotsInUse: Type.Integer(),
  queued: Type.Integer(),
  kvCacheBytes: Type.Integer(),
  promptTokens: Type.Integer({ description: 'Since the start, as all that follow' }),
  cachedTokens: Type.Integer({ description: 'Prompt tokens found in the prefix cache' }),
  completionTokens: Type.Integer(),
  steps: Type.Integer({ description: 'Steps of the decoder' }),
  rows: Type.Integer({ description: 'Rows of these steps: rows / steps is the mean batch' }),
});

const Version = Type.Object({
  name: Type.String(),
  version: Type.String(),
  node: Type.String(),
  bundleId: Type.Union([Type.String(), Type.Null()]),
  engine: Type.Object({
    state: Type.Enum(['starting', 'ready', 'down', 'stopped']),
    info: Type.Union([
      Type.Object({
        bundleId: Type.String(),
        createdAt: Type.String(),
        chunks: Type.Integer(),
        dimension: Type.Integer(),
        vectorIndex: Type.String(),
        loadMs: Type.Number(),
        student: Type.Union([Student, Type.Null()], { description: 'The language model of the bundle' }),
        warnings: Type.Array(Type.String()),
      }),
      Type.Null(),
    ]),
    crashes: Type.Integer({ description: 'Engine processes that ended unasked since the start' }),
    queued: Type.Integer(),
    inFlight: Type.Integer(),
    rssBytes: Type.Integer(),
    languageModel: Type.Union([LanguageModel, Type.Null()], {
      description: 'How busy the language model is, as of the last heartbeat',
    }),
  }),
  cache: Type.Object({ answers: Counters, retrievals: Counters }),
});

const schema = {
  tags: ['operation'],
  summary: 'What is running',
  response: { 200: { ...Version, description: 'Program, bundle, engine, caches' }, ...problems() },
};

export function addVersion(app: App, { engine, answers, package: { name, version } }: Services): void {
  app.get('/version', { schema }, async () => {
    const { lastFailure: _, pid: __, ...health } = engine.health();
    const cache = answers.counters();
    return {
      name,
      version,
      node: process.version,
      bundleId: health.info?.bundleId ?? null,
      engine: health,
      cache,
    };
  });
}
