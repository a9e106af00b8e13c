"""bm25s as a peer of bench/bm25.ts, on the same tokens.

    pip install bm25s==0.2.14 numba==0.68.1        (numba is optional; with it bm25s runs its fastest backend)
    python bench/peers/bm25s_peer.py < tokens.jsonl

Standard input, JSON lines: `{"k1", "b", "topK", "warmup"}`, then `{"doc": [token, …]}` in row order, then
`{"query": [token, …]}`. Last line of standard output: `{"version", "backend", "p50Ms", "p99Ms", "rows", "scores"}`, the latter two
per query, scores times (k1 + 1) as wink counts them. Queries are timed one at a time, tokens to top-k.
"""

import importlib.util
import json
import sys
import time

import bm25s
import numpy as np


def main():
    lines = (json.loads(line) for line in sys.stdin)
    config = next(lines)
    docs, queries = [], []
    for line in lines:
        (docs if "doc" in line else queries).append(line.get("doc", line.get("query")))

    backend = "numba" if importlib.util.find_spec("numba") else "numpy"
    retriever = bm25s.BM25(method="lucene", k1=config["k1"], b=config["b"], backend=backend)
    retriever.index(docs, show_progress=False)

    def search(query):
        return retriever.retrieve([query], k=config["topK"], show_progress=False, n_threads=0)

    for query in queries[: config["warmup"]]:
        search(query)
    times, rows, scores = [], [], []
    for query in queries:
        start = time.perf_counter()
        found, values = search(query)
        times.append((time.perf_counter() - start) * 1000)
        rows.append([int(row) for row in found[0]])
        scores.append([float(value) * (config["k1"] + 1) for value in values[0]])
    result = {
        "version": bm25s.__version__,
        "backend": backend,
        "p50Ms": float(np.percentile(times, 50)),
        "p99Ms": float(np.percentile(times, 99)),
        "rows": rows,
        "scores": scores,
    }
    print(json.dumps(result))


main()
