/**
 * `/training/runs`: the runs of the training pipelines, newest first; one of them, its report and its logs. With the
 * administrator's key: start one, stop one. What is shown is read from the folders of the runs.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Type from 'typebox';
import { HaetaeError } from '../../shared/errors.js';
import { type FoundRun, readRun, readRuns } from '../../shared/training-run/read-runs.js';
import { RunStatus, runLogFolder, runReportName } from '../../shared/training-run/run-record.js';
import type { TrainProgram } from '../../shared/training-run/train-program.js';
import type { App, Services } from '../app.js';
import { adminOnly, requireAdminKey } from '../plugins/admin-key.js';
import { readQueryNumbers } from '../query-numbers.js';
import { problems, ref } from '../schemas/components.js';
import { StartTrainingRun, TrainingRunList, type TrainingRunSummary } from '../schemas/training-runs.js';
import { readTail } from '../training-runs/read-tail.js';
import { runStarter } from '../training-runs/start-run.js';
import { stopRun } from '../training-runs/stop-run.js';

const tags = ['training'];
const runId = Type.String({ maxLength: 64, examples: ['20250731T093000Z-k3f9'] });
const OneRun = Type.Object({ runId });

const listSchema = {
  tags,
  summary: 'List the runs of the training pipelines',
  description:
    'Newest first. A run that was killed is `interrupted` and `stale` once it has been silent for a minute.',
  querystring: Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 20 })),
      pipeline: Type.Optional(Type.String({ description: 'Only of this pipeline', examples: ['tiny'] })),
      status: Type.Optional(
        Type.Enum(
          RunStatus.anyOf.map((each) => each.const),
          { description: 'Only with this status' },
        ),
      ),
    },
    { additionalProperties: false },
  ),
  response: { 200: { ...TrainingRunList, description: 'The runs' }, ...problems('REQUEST_INVALID') },
};

const oneSchema = {
  tags,
  summary: 'Describe a training run',
  params: OneRun,
  response: {
    200: { ...ref('TrainingRun'), description: 'Its whole record' },
    ...problems('TRAINING_RUN_NOT_FOUND'),
  },
};

const reportSchema = {
  tags,
  summary: 'Show the report of a training run',
  params: OneRun,
  response: {
    200: { description: 'A page without scripts', content: { 'text/html': { schema: { type: 'string' } } } },
    ...problems('TRAINING_RUN_NOT_FOUND', 'NOT_FOUND'),
  },
};

const logSchema = {
  tags,
  summary: 'Show the end of the log of a stage',
  params: Type.Object({
    runId,
    stage: Type.String({
      pattern: '^[a-z]+(-[0-9]+)?$',
      maxLength: 40,
      description: 'Id of the stage',
      examples: ['respond-1'],
    }),
  }),
  querystring: Type.Object(
    {
      bytes: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 1_048_576,
          default: 65_536,
          description: 'Most that is shown, whole lines',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: { description: 'Its last lines', content: { 'text/plain': { schema: { type: 'string' } } } },
    ...problems('REQUEST_INVALID', 'TRAINING_RUN_NOT_FOUND', 'NOT_FOUND'),
  },
};

const startSchema = {
  tags,
  summary: 'Start a run of a training pipeline',
  description: 'It is a process of its own, which goes on when the server is stopped.',
  ...adminOnly,
  body: StartTrainingRun,
  response: {
    202: {
      ...Type.Object({ runId: Type.String(), pipeline: Type.String() }),
      description: 'It has begun',
      headers: { location: Type.String({ description: 'Path of the run' }) },
    },
    ...problems(
      'REQUEST_INVALID',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'UNAUTHORIZED',
      'FORBIDDEN',
      'TRAINING_RUNNING',
    ),
  },
};

const stopSchema = {
  tags,
  summary: 'Stop a training run',
  description: 'It ends between two pieces of work; the next run of the pipeline goes on from there.',
  ...adminOnly,
  params: OneRun,
  response: {
    200: {
      ...Type.Object({
        runId: Type.String(),
        status: RunStatus,
        stopping: Type.Boolean({ description: 'False: it was not running, or not on this machine' }),
      }),
      description: 'Asked to stop, where it was running',
    },
    ...problems('UNAUTHORIZED', 'FORBIDDEN', 'TRAINING_RUN_NOT_FOUND'),
  },
};

/** Reports are made of texts from elsewhere: no script runs in them, and nothing is loaded. */
const reportPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'; sandbox";

/** @param program that a run is started with, for tests. */
export function addTrainingRuns(app: App, { config }: Services, program?: TrainProgram): void {
  const start = runStarter({ config, program });
  const stopped = new Set<string>();
  const onRequest = requireAdminKey(config);

  app.get(
    '/training/runs',
    { schema: listSchema, preValidation: readQueryNumbers('limit') },
    async (request) => {
      const { limit = 20, pipeline, status } = request.query;
      const { runs, unreadable } = await readRuns(
        config.trainingDir,
        { limit, pipeline, status },
        new Date(),
      );
      return { runs: runs.map(summaryOf), unreadable };
    },
  );

  app.get('/training/runs/:runId', { schema: oneSchema }, async (request) => {
    const { record, stale } = await find(request.params.runId);
    return { ...record, stale };
  });

  app.get('/training/runs/:runId/report', { schema: reportSchema }, async (request, reply) => {
    const { folder, record } = await find(request.params.runId);
    const html = await readFile(join(folder, runReportName)).catch(absent(`${record.runId} has no report`));
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', reportPolicy)
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'no-cache')
      .send(html);
  });

  app.get(
    '/training/runs/:runId/logs/:stage',
    { schema: logSchema, preValidation: readQueryNumbers('bytes') },
    async (request, reply) => {
      const { stage } = request.params;
      const { folder, record } = await find(request.params.runId);
      const path = join(folder, runLogFolder, `${stage}.log`);
      const text = await readTail(path, request.query.bytes ?? 65_536).catch(
        absent(`${record.runId} has no log of ${stage}`),
      );
      return reply
        .type('text/plain; charset=utf-8')
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'no-cache')
        .send(text);
    },
  );

  app.post('/training/runs', { schema: startSchema, onRequest }, async (request, reply) => {
    const started = await start(request.body);
    request.log.info(started, 'training run started');
    return reply.code(202).header('location', `/training/runs/${started.runId}`).send(started);
  });

  app.post('/training/runs/:runId/stop', { schema: stopSchema, onRequest }, async (request) => {
    const run = await find(request.params.runId);
    const { runId, status } = run.record;
    const stopping = await stopRun(run, stopped);
    request.log.info({ runId, stopping }, 'training run asked to stop');
    return { runId, status, stopping };
  });

  async function find(id: string): Promise<FoundRun> {
    const run = await readRun(config.trainingDir, id, new Date());
    if (run) return run;
    throw new HaetaeError('TRAINING_RUN_NOT_FOUND', `There is no run ${id}. /training/runs lists them.`);
  }
}

function summaryOf({ record, stale }: FoundRun): TrainingRunSummary {
  const { stages, config: _, pid: __, ...brief } = record;
  const working = record.status === 'running' ? stages.find(({ status }) => status === 'running') : undefined;
  return {
    ...brief,
    stage: working ? { id: working.id, progress: working.progress } : null,
    stale,
  };
}

function absent(what: string): () => never {
  return () => {
    throw new HaetaeError('NOT_FOUND', `${what}, or none yet.`);
  };
}
