#!/usr/bin/python3
"""Index files written by Python's FAISS, and what it finds in them.

    apt-get install -y python3-faiss        # FAISS 1.7.3, NumPy 1.24.2 (Debian 12)
    /usr/bin/python3 test/reference/faiss_reference.py

writes test/reference/faiss/*.faiss and test/reference/faiss.json. Tolerance of the tests: 1e-5 on distances of
unit vectors (float32 sums in another order); labels are compared exactly, and the vectors are random, so no two
distances are that close.

    /usr/bin/python3 test/reference/faiss_reference.py read FILE [PARAMS]

reads a file that haetae wrote (dimension 16) and prints Python's hits for the same queries as one JSON line.
"""
import json
import os
import sys

import faiss
import numpy as np

N, D, K = 150, 16, 5
here = os.path.dirname(os.path.abspath(__file__))


def unit(rng, n):
    x = rng.standard_normal((n, D)).astype("float32")
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def hits(index, queries, params=""):
    if params:
        faiss.ParameterSpace().set_index_parameters(index, params)
    distances, labels = index.search(queries, K)
    return {"params": params, "labels": labels.ravel().tolist(), "distances": [float(x) for x in distances.ravel()]}


rng = np.random.default_rng(7)
vectors, queries = unit(rng, N), unit(rng, 4)
faiss.omp_set_num_threads(1)

if len(sys.argv) > 2 and sys.argv[1] == "read":
    index = faiss.read_index(sys.argv[2])
    print(json.dumps({"ntotal": index.ntotal, **hits(index, queries, "".join(sys.argv[3:4]))}))
    sys.exit()

ip, l2 = faiss.METRIC_INNER_PRODUCT, faiss.METRIC_L2
cases = [
    ("flat-ip", "Flat", ip, [""]),
    ("flat-l2", "Flat", l2, [""]),
    ("ivf-ip", "IVF6,Flat", ip, ["nprobe=1", "nprobe=2", "nprobe=6"]),
    ("hnsw-ip", "HNSW4,Flat", ip, ["efSearch=2", "efSearch=8", "efSearch=150"]),
    ("hnsw-l2", "HNSW4,Flat", l2, ["efSearch=8"]),
    ("ivf-hnsw", "IVF16_HNSW4,Flat", ip, ["nprobe=2,quantizer_efSearch=1", "nprobe=4,quantizer_efSearch=16"]),
    ("pq", "PQ4x4", ip, []),  # a kind that haetae refuses
    ("idmap-big", "IDMap,Flat", ip, [""]),
]
result = {
    "faiss": faiss.__version__,
    "numpy": np.__version__,
    "dimension": D,
    "k": K,
    "vectors": [float(x) for x in vectors.ravel()],
    "queries": [float(x) for x in queries.ravel()],
    "cases": [],
}
for name, descriptor, metric, params in cases:
    index = faiss.index_factory(D, descriptor, metric)
    index.train(vectors)
    if name == "idmap-big":
        index.add_with_ids(vectors, np.arange(N, dtype="int64") + (1 << 40))
    else:
        index.add(vectors)
    faiss.write_index(index, os.path.join(here, "faiss", name + ".faiss"))
    result["cases"].append(
        {"name": name, "descriptor": descriptor, "metric": metric, "searches": [hits(index, queries, p) for p in params]}
    )
with open(os.path.join(here, "faiss.json"), "w") as file:
    json.dump(result, file, separators=(",", ":"))
    file.write("\n")
