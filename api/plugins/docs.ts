/** The API's description, made of the routes' own schemas, and the pages that show it (all served from here). */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import { stringify } from 'yaml';
import type { App } from '../app.js';
import type { PackageInfo } from '../../shared/package-info.js';
import { adminKeyScheme } from './admin-key.js';

/** Must run before the routes are added. */
export async function addSwagger(app: App, info: PackageInfo): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: info.name,
        version: info.version,
        description:
          'Answers Korean questions on financial law and security from a bundle of documents. Every error is ' +
          '`application/problem+json` (RFC 9457) with a `code` and the `requestId`, which every response also ' +
          'carries as `x-request-id`. Under `/v1` requests, replies and errors have the form that clients of ' +
          'OpenAI know: set their base URL to `/v1` here, and any key.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'questions', description: 'One question at a time' },
        { name: 'batch', description: 'A file of questions' },
        { name: 'openai', description: 'What OpenAI client libraries call' },
        { name: 'training', description: 'Runs of the training pipeline' },
        { name: 'operation', description: 'Health, version, description' },
      ],
      components: { securitySchemes: { adminKey: adminKeyScheme } },
    },
    refResolver: { buildLocalReference: (json, _, __, index) => String(json.$id ?? `def-${index}`) },
  });
}

/** The description as the committed `openapi.yaml` has it. */
export function openapiYaml(app: App): string {
  return stringify(app.swagger(), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Nothing from elsewhere; the viewer sets styles on elements by itself, and shows images from `data:` URLs. */
const docsPolicy = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Must run after the routes are added. */
export async function addDocs(app: App): Promise<void> {
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  app.get('/openapi.yaml', { schema: { hide: true } }, async (_, reply) =>
    reply.type('application/yaml; charset=utf-8').send(openapiYaml(app)),
  );
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: docsPolicy,
    uiConfig: { docExpansion: 'list', deepLinking: true, validatorUrl: null },
    theme: { title: 'haetae API' },
  });
}
