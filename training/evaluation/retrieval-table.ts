/** Prints article recall for each kind of query and each system. */
import { loadRuntime } from '../../shared/bundle/load-runtime.js';
import { articleQueries } from './article-queries.js';
import { evaluateRetrieval, type RetrievalScores, type System, systems } from './evaluate-retrieval.js';

export interface RetrievalTableOptions {
  modelsDir: string;
  perKind: number;
  seed: number;
  /** Leave out the queries that the sample of this seed holds: those that something was chosen on. */
  exceptSeed?: number;
  log: (line: string) => void;
}

export async function retrievalTable({
  modelsDir,
  perKind,
  seed,
  exceptSeed,
  log,
}: RetrievalTableOptions): Promise<Record<System, RetrievalScores>> {
  const runtime = await loadRuntime({ modelsDir, threads: 1 });
  const { chunks } = runtime.parts;
  const seen = new Set(
    exceptSeed === undefined
      ? []
      : articleQueries(chunks, { perKind, seed: exceptSeed }).map(({ text }) => text),
  );
  const queries = articleQueries(chunks, { perKind, seed }).filter(({ text }) => !seen.has(text));
  const kinds = ['heading', 'definition', 'sentence'] as const;
  log(row(['query', 'system', 'n', 'recall@5', 'recall@10', 'MRR@10', 'nDCG@10']));
  const all = {} as Record<System, RetrievalScores>;
  for (const kind of [...kinds, 'all'] as const) {
    const chosen = kind === 'all' ? queries : queries.filter((query) => query.kind === kind);
    for (const system of Object.keys(systems) as System[]) {
      const scores = await evaluateRetrieval(runtime.parts.retriever, chosen, systems[system]);
      if (kind === 'all') all[system] = scores;
      const { recallAt5, recallAt10, mrr, ndcgAt10 } = scores;
      log(
        row([
          kind,
          system,
          String(scores.queries),
          ...[recallAt5, recallAt10, mrr, ndcgAt10].map((x) => x.toFixed(3)),
        ]),
      );
    }
  }
  await runtime.close();
  return all;
}

function row(cells: readonly string[]): string {
  return cells.map((cell) => cell.padEnd(11)).join('');
}
