/** `GET /v1/models` and `GET /v1/models/{id}`: the active bundle, by its id and by the name that stays. */
import Type from 'typebox';
import type { RuntimeInfo } from '../../shared/bundle/runtime.js';
import type { App, Services } from '../app.js';
import { modelAlias, servedModel } from '../openai/served-model.js';
import { openAiErrors, ref } from '../schemas/components.js';

const listSchema = {
  tags: ['openai'],
  summary: 'List the models',
  response: {
    200: {
      ...Type.Object({ object: Type.Literal('list'), data: Type.Array(Type.Unsafe(ref('Model'))) }),
      description: 'None while no bundle is loaded',
    },
    ...openAiErrors(),
  },
};

const oneSchema = {
  tags: ['openai'],
  summary: 'Describe a model',
  params: Type.Object({
    id: Type.String({ description: 'The id of the active bundle, or `haetae`', examples: ['haetae'] }),
  }),
  response: {
    200: { ...ref('Model'), description: 'The model' },
    ...openAiErrors('NOT_FOUND', 'ENGINE_UNAVAILABLE'),
  },
};

export function addModels(app: App, { engine }: Services): void {
  app.get('/models', { schema: listSchema }, async () => {
    const { info } = engine.health();
    const names = info === null ? [] : [info.bundleId, modelAlias];
    return { object: 'list' as const, data: names.map((name) => modelOf(name, info!)) };
  });

  app.get('/models/:id', { schema: oneSchema }, async (request) => {
    const { id } = request.params;
    return modelOf(id, servedModel(engine, id));
  });
}

function modelOf(id: string, { createdAt }: RuntimeInfo): object {
  const created = Math.floor(Date.parse(createdAt) / 1_000) || 0;
  return { id, object: 'model', created, owned_by: 'haetae' };
}
