/** The text of `openapi.yaml`: an application is built on an engine that never starts, and asked. */
import { HaetaeError } from '../shared/errors.js';
import { buildApp } from './app.js';
import { readConfig } from './config.js';
import type { Engine } from './engine/engine.js';
import { streamOf } from './engine/part-stream.js';
import { openapiYaml } from './plugins/docs.js';

export async function describeApi(): Promise<string> {
  const app = await buildApp({ config: readConfig({}), engine: noEngine });
  await app.ready();
  const text = openapiYaml(app);
  await app.close();
  return text;
}

const refuse = () => Promise.reject(new HaetaeError('ENGINE_UNAVAILABLE', 'There is no engine here.'));

const noEngine: Engine = {
  bundleId: undefined,
  health: () => ({
    state: 'stopped',
    info: null,
    crashes: 0,
    lastFailure: null,
    queued: 0,
    inFlight: 0,
    pid: null,
    rssBytes: 0,
    languageModel: null,
  }),
  onBundle: () => undefined,
  retrieve: refuse,
  answer: refuse,
  rerank: refuse,
  embed: refuse,
  chat: () => streamOf(refuse),
};
