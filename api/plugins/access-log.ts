/** One line per request when it is done; probes only at level debug. */
import type { App } from '../app.js';

/** Whether `url` is one that orchestrators ask every few seconds. */
export function isProbe(url: string): boolean {
  return url === '/livez' || url === '/readyz';
}

export function addAccessLog(app: App): void {
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      url: request.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 100) / 100,
    };
    if (isProbe(request.url)) request.log.debug(line, 'request');
    else request.log.info(line, 'request');
  });
}
