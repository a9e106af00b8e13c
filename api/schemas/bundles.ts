/** JSON schemas of the bundles on the wire. */
import Type from 'typebox';

const IdOrNull = Type.Union([Type.String(), Type.Null()]);

export const RefusalSchema = Type.Object({
  bundleId: Type.String(),
  code: Type.String({ description: 'Of the table of errors' }),
  reason: Type.String(),
  at: Type.String({ description: 'ISO 8601' }),
});

export const BundleEntry = Type.Object(
  {
    id: Type.String(),
    served: Type.Boolean(),
    wanted: Type.Boolean({ description: '`models/current` names it, or it is being changed over to' }),
    loading: Type.Boolean(),
    refusal: Type.Union([RefusalSchema, Type.Null()], { description: 'Why this server did not take it' }),
    fault: Type.Union([Type.String(), Type.Null()], {
      description: 'What is wrong with its files at a glance; what follows is null then',
    }),
    createdAt: IdOrNull,
    parent: Type.Union([Type.String(), Type.Null()], { description: 'Bundle it was made to replace' }),
    bytes: Type.Union([Type.Integer(), Type.Null()]),
    chunks: Type.Union([Type.Integer(), Type.Null()]),
    mode: Type.Union([Type.String(), Type.Null()], { description: 'How it answers' }),
    student: Type.Union([
      Type.Object({ name: Type.String(), licence: Type.String(), released: IdOrNull }),
      Type.Null(),
    ]),
    metrics: Type.Union([Type.Record(Type.String(), Type.Number()), Type.Null()]),
    licences: Type.Union([
      Type.Array(
        Type.Object({
          licence: Type.String(),
          publisher: Type.String(),
          documents: Type.Integer(),
          url: Type.String(),
        }),
      ),
      Type.Null(),
    ]),
  },
  { description: 'A bundle that this server can load' },
);

export const BundleList = Type.Object({
  served: Type.Union([Type.String(), Type.Null()], { description: 'Id of the bundle that answers' }),
  wanted: Type.Union([Type.String(), Type.Null()], {
    description: 'Where this is another one for long, the wanted one was refused',
  }),
  loading: IdOrNull,
  pinned: Type.Boolean({ description: 'Whether the server was started for one bundle only' }),
  rollbackTo: Type.Union([Type.String(), Type.Null()], {
    description: 'What a rollback would go back to first',
  }),
  bundles: Type.Array(Type.Unsafe<object>({ $ref: 'Bundle#' }), { description: 'Newest first' }),
});

export const ActivateBundle = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$', examples: ['default-3d55854898bb'] }),
    wait: Type.Optional(
      Type.Boolean({ default: true, description: 'False: 202 at once; `GET /models` tells what came of it' }),
    ),
  },
  { additionalProperties: false },
);

export const SwitchedSchema = Type.Object({
  bundleId: Type.String(),
  previousId: Type.Union([Type.String(), Type.Null()], { description: 'What was served before' }),
  swapMs: Type.Number({
    description: 'From the request to the first question it can take; 0: it served already',
  }),
});

export const RolledBackSchema = Type.Object({
  ...SwitchedSchema.properties,
  passedOver: Type.Array(RefusalSchema, {
    description: 'Bundles that were active later, and are refused',
  }),
});
