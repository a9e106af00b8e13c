/**
 * The HTTP application, without a process around it: `server.ts` listens with it, a test injects into it.
 * Plugins are added by hand, in the order that matters: what every reply needs, then the schemas and their
 * documentation, then the routes that are documented.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerOptions,
  LogController,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { type Clock, systemClock } from '../shared/clock.js';
import { type PackageInfo, readPackageInfo } from '../shared/package-info.js';
import type { TrainProgram } from '../shared/training-run/train-program.js';
import { AnswerService } from './answer-service.js';
import type { Config } from './config.js';
import type { Bundles } from './engine/bundles.js';
import type { Engine } from './engine/engine.js';
import { fixedBundles } from './engine/fixed-bundles.js';
import { isOpenAiPath, replyWithOpenAiError } from './openai/open-ai-error.js';
import { addAccessLog } from './plugins/access-log.js';
import { addDocs, addSwagger } from './plugins/docs.js';
import { addErrorReplies, replyToBrokenHttp, replyWithProblem } from './plugins/error-replies.js';
import { addJsonBody } from './plugins/json-body.js';
import { addMetrics } from './plugins/metrics.js';
import { addRequestId, requestIdOf } from './plugins/request-id.js';
import { addAnswer } from './routes/answer.js';
import { addBatch } from './routes/batch.js';
import { addBundles } from './routes/bundles.js';
import { addClassify } from './routes/classify.js';
import { addConsole } from './routes/console.js';
import { addHealth } from './routes/health.js';
import { addOpenAi } from './routes/open-ai.js';
import { addRerank } from './routes/rerank.js';
import { addRetrieve } from './routes/retrieve.js';
import { addTrainingRuns } from './routes/training-runs.js';
import { addVersion } from './routes/version.js';
import { addComponents } from './schemas/components.js';

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the routes work with. */
export interface Services {
  config: Config;
  engine: Engine;
  bundles: Bundles;
  answers: AnswerService;
  clock: Clock;
  package: PackageInfo;
  lifecycle: Lifecycle;
}

/** Set by the process when it begins to stop. */
export interface Lifecycle {
  draining: boolean;
}

export interface AppOptions {
  config: Config;
  engine: Engine;
  /** Default: the engine's bundle, for good. */
  bundles?: Bundles;
  logger?: FastifyServerOptions['logger'];
  clock?: Clock;
  lifecycle?: Lifecycle;
  /** What runs of pipelines are started with; default: this program's command line. */
  trainProgram?: TrainProgram;
}

/** Largest JSON body, bytes: a question of the greatest length, escaped, with room for its options. */
const jsonBodyLimitBytes = 256 * 1024;

/** Longest time for a request to arrive whole, milliseconds; Fastify's own default is for ever. */
const requestTimeoutMs = 300_000;

export async function buildApp(options: AppOptions): Promise<App> {
  const { config, engine, logger = false, clock = systemClock, lifecycle = { draining: false } } = options;
  const app: App = fastify({
    logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: jsonBodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    requestIdHeader: false,
    genReqId: requestIdOf,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) =>
      void (isOpenAiPath(request.url) ? replyWithOpenAiError : replyWithProblem)(error, request, reply),
    clientErrorHandler: replyToBrokenHttp,
    ajv: {
      customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, allErrors: true },
    },
  }).withTypeProvider<TypeBoxTypeProvider>();

  const answers = new AnswerService({
    engine,
    clock,
    questionDeadlineMs: config.questionDeadlineMs,
    cacheMaxEntries: config.cacheMaxEntries,
    cacheTtlMs: config.cacheTtlMs,
    onFallback: (error) => app.log.warn({ err: error }, 'the fallback answered'),
  });
  // Nothing that was computed on one bundle is returned as another's, whatever their ids are.
  engine.onBundle(() => answers.clear());
  const services: Services = {
    config,
    engine,
    bundles: options.bundles ?? fixedBundles(engine),
    answers,
    clock,
    package: readPackageInfo(),
    lifecycle,
  };

  const refuseRoute = addErrorReplies(app);
  addRequestId(app);
  addAccessLog(app);
  addJsonBody(app);
  await addSwagger(app, services.package);
  addComponents(app);
  addClassify(app);
  addRetrieve(app, services);
  addAnswer(app, services);
  await addBatch(app, services);
  addRerank(app, services);
  await addOpenAi(app, services, refuseRoute);
  addTrainingRuns(app, services, options.trainProgram);
  addBundles(app, services);
  addHealth(app, services);
  addMetrics(app, services);
  addVersion(app, services);
  await addDocs(app);
  await addConsole(app, services);
  return app;
}
