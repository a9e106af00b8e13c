"""bm25s as a peer of bench/bm25.ts, on the same tokens, with each of its backends that is there.

    pip install bm25s==0.2.14 numpy==2.4.6 numba==0.68.1        (numba is optional: its fastest backend)
    python bench/peers/bm25s_peer.py < tokens.jsonl

Standard input, JSON lines: `{"k1", "b", "topK"}`, then `{"doc": [token, …]}` in row order, `{"warmup": [token, …]}`
and `{"query": [token, …]}`. Standard output: one JSON line a backend, `{"version", "backend", "p50Ms", "p99Ms",
"batchedMs", "indexSeconds", "peakMb", "rows", "scores"}`, the last two per query, scores times (k1 + 1) as wink
counts them. Queries are timed one at a time, tokens to top-k, and then all in one call; one thread.
"""

import importlib.util
import json
import resource
import sys
import time

import bm25s
import numpy as np


def measure(backend, config, docs, warmup, queries):
    started = time.perf_counter()
    retriever = bm25s.BM25(method="lucene", k1=config["k1"], b=config["b"], backend=backend)
    retriever.index(docs, show_progress=False)
    index_seconds = time.perf_counter() - started

    def search(some):
        return retriever.retrieve(some, k=config["topK"], show_progress=False, n_threads=0)

    # numba compiles in the first call; enough calls for caches and branch predictors, too
    for query in warmup:
        search([query])
    times, rows, scores = [], [], []
    for query in queries:
        start = time.perf_counter()
        found, values = search([query])
        times.append((time.perf_counter() - start) * 1000)
        rows.append([int(row) for row in found[0]])
        scores.append([float(value) * (config["k1"] + 1) for value in values[0]])
    search(queries)
    started = time.perf_counter()
    search(queries)
    batched = (time.perf_counter() - started) * 1000 / len(queries)
    return {
        "version": bm25s.__version__,
        "backend": backend,
        "p50Ms": float(np.percentile(times, 50)),
        "p99Ms": float(np.percentile(times, 99)),
        "batchedMs": batched,
        "indexSeconds": index_seconds,
        "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "rows": rows,
        "scores": scores,
    }


def main():
    lines = (json.loads(line) for line in sys.stdin)
    config = next(lines)
    parts = {"doc": [], "warmup": [], "query": []}
    for line in lines:
        for kind, tokens in line.items():
            parts[kind].append(tokens)
    backends = ["numpy"] + (["numba"] if importlib.util.find_spec("numba") else [])
    for backend in backends:
        print(json.dumps(measure(backend, config, parts["doc"], parts["warmup"], parts["query"])))


main()
