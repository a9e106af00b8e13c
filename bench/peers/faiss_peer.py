#!/usr/bin/python3
"""Python's FAISS as a peer of haetae's vector index: same vectors, same queries, one query at a time.

    apt-get install -y python3-faiss        # FAISS 1.7.3, NumPy 1.24.2 (Debian 12)
    /usr/bin/python3 bench/peers/faiss_peer.py VECTORS QUERIES DIMENSION [--k 10] [--threads 1]
                                               [--index FILE] [--params nprobe=16]

VECTORS and QUERIES are raw little-endian float32, row-major. Without --index an exact inner-product index is
built; with it, the index file (which haetae may have written) is read instead. The last line of stdout is one
JSON object: timings in milliseconds, and the labels and scores of all queries, so that the caller can compare them.
"""
import argparse
import json
import time

import faiss
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("vectors")
parser.add_argument("queries")
parser.add_argument("dimension", type=int)
parser.add_argument("--k", type=int, default=10)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--index")
parser.add_argument("--params", default="")
args = parser.parse_args()

faiss.omp_set_num_threads(args.threads)
queries = np.fromfile(args.queries, "<f4").reshape(-1, args.dimension)
if args.index:
    index = faiss.read_index(args.index)
else:
    index = faiss.IndexFlatIP(args.dimension)
    index.add(np.fromfile(args.vectors, "<f4").reshape(-1, args.dimension))
if args.params:
    faiss.ParameterSpace().set_index_parameters(index, args.params)

for query in queries[:20]:
    index.search(query[None], args.k)
times, labels, scores = [], [], []
for query in queries:
    started = time.perf_counter()
    distances, found = index.search(query[None], args.k)
    times.append(1000 * (time.perf_counter() - started))
    labels += found[0].tolist()
    scores += distances[0].tolist()
times.sort()
print(
    json.dumps(
        {
            "name": "python-faiss",
            "version": faiss.__version__,
            "ntotal": index.ntotal,
            "queries": len(queries),
            "p50Ms": times[len(times) // 2],
            "p99Ms": times[min(len(times) - 1, int(len(times) * 0.99))],
            "labels": labels,
            "scores": scores,
        }
    )
)
