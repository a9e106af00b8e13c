/**
 * `GET /models`: the bundles, and which of them serves. With the administrator's key: `POST /models/activate` changes
 * over to one, `POST /models/rollback` goes back to the one before.
 */
import Type from 'typebox';
import type { App, Services } from '../app.js';
import { listWithStatus } from '../list-bundles.js';
import { adminOnly, requireAdminKey } from '../plugins/admin-key.js';
import { problems } from '../schemas/components.js';
import { ActivateBundle, BundleList, RolledBackSchema, SwitchedSchema } from '../schemas/bundles.js';

const tags = ['operation'];

const listSchema = {
  tags,
  summary: 'List the bundles',
  description:
    'A bundle is what answers: documents, indices, embedder, and perhaps a language model. `served` and `wanted` ' +
    'differ while the wanted one is loading, and where it was refused: then its `refusal` says why.',
  response: { 200: { ...BundleList, description: 'The bundles' }, ...problems() },
};

const activateSchema = {
  tags,
  summary: 'Change over to another bundle',
  description:
    'Its checksums are verified, it is loaded beside the one that serves, and must answer its probes; only then do ' +
    'new requests go to it, and `models/current` names it. The newest wish wins: one that is still loading is ' +
    'given up with 409.',
  ...adminOnly,
  body: ActivateBundle,
  response: {
    200: { ...SwitchedSchema, description: 'It serves' },
    202: {
      ...Type.Object({ bundleId: Type.String() }),
      description: 'With `wait` false: it is being loaded',
    },
    ...problems(
      'REQUEST_INVALID',
      'REQUEST_TOO_LARGE',
      'UNSUPPORTED_MEDIA_TYPE',
      'UNAUTHORIZED',
      'FORBIDDEN',
      'NOT_FOUND',
      'BUNDLE_REFUSED',
      'ENGINE_UNAVAILABLE',
    ),
  },
};

const rollbackSchema = {
  tags,
  summary: 'Go back to the bundle that was active before',
  description:
    'A second rollback goes further back. Bundles that have gone are passed over, and so are those that are refused. ' +
    'While another bundle is being loaded, that is what is taken back.',
  ...adminOnly,
  response: {
    200: { ...RolledBackSchema, description: 'The earlier bundle serves' },
    ...problems('UNAUTHORIZED', 'FORBIDDEN', 'BUNDLE_REFUSED', 'ENGINE_UNAVAILABLE'),
  },
};

export function addBundles(app: App, { bundles, config }: Services): void {
  const onRequest = requireAdminKey(config);

  app.get('/models', { schema: listSchema }, async () => listWithStatus(config.modelsDir, bundles));

  app.post('/models/activate', { schema: activateSchema, onRequest }, async (request, reply) => {
    const { id, wait = true } = request.body;
    const switched = bundles.activate(id);
    if (wait) return switched;
    switched.catch((error: unknown) => request.log.warn({ err: error }, 'a bundle was not activated'));
    return reply.code(202).send({ bundleId: id });
  });

  app.post('/models/rollback', { schema: rollbackSchema, onRequest }, async () => bundles.rollback());
}
