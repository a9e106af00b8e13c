/** `haetae serve`: the HTTP API. Options win over the environment variables that they name. */
import { Command } from 'commander';

interface ServeOptions {
  port?: string;
  host?: string;
  modelsDir?: string;
  bundle?: string;
  threads?: string;
  logLevel?: string;
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('serve the HTTP API')
    .option('--port <port>', 'port to listen on; 0 picks a free one (PORT, default 8080)')
    .option('--host <address>', 'address to listen on (HOST, default 127.0.0.1)')
    .option('--models-dir <folder>', 'folder of the bundles (HAETAE_MODELS_DIR)')
    .option('--bundle <id>', 'bundle to serve (HAETAE_BUNDLE, default: models/current)')
    .option('--threads <n>', 'threads of the native work (HAETAE_THREADS, default: cores)')
    .option(
      '--log-level <level>',
      'fatal, error, warn, info, debug, trace or silent (LOG_LEVEL, default info)',
    )
    .action(async ({ port, host, modelsDir, bundle, threads, logLevel }: ServeOptions) => {
      const { startServer } = await import('../../api/server.js');
      await startServer({ port, host, modelsDir, bundleId: bundle, threads, logLevel });
    });
}
