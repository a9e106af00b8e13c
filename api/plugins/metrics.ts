/**
 * `GET /metrics` in Prometheus' text format. What is counted elsewhere is read when it is asked for; names follow
 * https://prometheus.io/docs/practices/naming/.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { App, Services } from '../app.js';
import { problems } from '../schemas/components.js';

const schema = {
  tags: ['operation'],
  summary: 'Figures for Prometheus',
  response: {
    200: {
      description: 'In the text format, version 0.0.4',
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
    ...problems(),
  },
};

export function addMetrics(app: App, services: Services): void {
  const registry = new Registry();
  addBundleMetrics(registry, services);
  addEngineMetrics(registry, services);
  app.get('/metrics', { schema }, async (_, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}

function addBundleMetrics(registry: Registry, { bundles }: Pick<Services, 'bundles'>): void {
  const registers = [registry];
  new Gauge({
    name: 'haetae_bundle_info',
    help: 'The bundles that are served and wanted, by their ids; always 1',
    labelNames: ['bundle_id', 'role'],
    registers,
    async collect() {
      const { servedId, wantedId } = await bundles.status();
      this.reset();
      if (servedId !== null) this.set({ bundle_id: servedId, role: 'served' }, 1);
      if (wantedId !== null) this.set({ bundle_id: wantedId, role: 'wanted' }, 1);
    },
  });
  new Gauge({
    name: 'haetae_bundle_wanted_is_served',
    help: '0 while another bundle is served than is wanted',
    registers,
    async collect() {
      const { servedId, wantedId } = await bundles.status();
      this.set(servedId === wantedId ? 1 : 0);
    },
  });
  new Counter({
    name: 'haetae_bundle_swaps_total',
    help: 'Changes of the engine to another bundle, or to the same one anew',
    registers,
    async collect() {
      const { swaps } = await bundles.status();
      this.reset();
      this.inc(swaps);
    },
  });
  new Counter({
    name: 'haetae_bundle_refusals_total',
    help: 'Bundles that did not come up, by the code of the error',
    labelNames: ['code'],
    registers,
    collect() {
      this.reset();
      for (const [code, count] of bundles.refusalCounts()) this.inc({ code }, count);
    },
  });
  const swapSeconds = new Histogram({
    name: 'haetae_bundle_swap_seconds',
    help: 'From the wish for a bundle to its first request: checksums, loading, probes',
    buckets: [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128],
    registers,
  });
  bundles.onSwap((swapMs) => swapSeconds.observe(swapMs / 1_000));
}

function addEngineMetrics(registry: Registry, { engine }: Pick<Services, 'engine'>): void {
  const registers = [registry];
  const gauges: [name: string, help: string, value: () => number][] = [
    ['haetae_engine_up', '1 while an engine is warm', () => (engine.health().state === 'ready' ? 1 : 0)],
    [
      'haetae_engine_rss_bytes',
      'Resident memory of the engine that serves, at its last heartbeat',
      () => engine.health().rssBytes,
    ],
    ['haetae_engine_requests_in_flight', 'Requests that the engine works on', () => engine.health().inFlight],
    ['haetae_engine_requests_queued', 'Requests that wait for the engine', () => engine.health().queued],
  ];
  for (const [name, help, value] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  }
  new Counter({
    name: 'haetae_engine_restarts_total',
    help: 'Engines that ended unasked, and were replaced',
    registers,
    collect() {
      this.reset();
      this.inc(engine.health().crashes);
    },
  });
}
