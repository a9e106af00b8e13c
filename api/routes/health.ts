/** `GET /livez`: the process runs. `GET /readyz`: an engine is warm, and the server is not about to stop. */
import Type from 'typebox';
import { HaetaeError } from '../../shared/errors.js';
import type { App, Services } from '../app.js';
import { problems } from '../schemas/components.js';

const Status = Type.Object({ status: Type.Literal('ok') });

const livez = {
  tags: ['operation'],
  summary: 'Is the process alive?',
  response: { 200: { ...Status, description: 'It is' }, ...problems() },
};

const readyz = {
  tags: ['operation'],
  summary: 'Can questions be answered?',
  response: { 200: { ...Status, description: 'An engine is warm' }, ...problems('ENGINE_UNAVAILABLE') },
};

export function addHealth(app: App, { engine, lifecycle }: Services): void {
  app.get('/livez', { schema: livez }, async () => ({ status: 'ok' as const }));

  app.get('/readyz', { schema: readyz }, async () => {
    const { state } = engine.health();
    if (state === 'ready' && !lifecycle.draining) return { status: 'ok' as const };
    throw new HaetaeError(
      'ENGINE_UNAVAILABLE',
      lifecycle.draining ? 'The server is stopping.' : `The engine is ${state}.`,
    );
  });
}
