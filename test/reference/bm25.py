"""BM25 scores of bm25s on a small seeded corpus, for test/training/bm25/learn-bm25.test.ts.

    python3 -m venv /tmp/bm25s && /tmp/bm25s/bin/pip install bm25s==0.2.14 numpy==2.4.6
    /tmp/bm25s/bin/python test/reference/bm25.py > test/reference/bm25.json

bm25s's method `lucene` is idf · tf / (tf + k1·(1 − b + b·|d|/avgdl)) with idf = ln(1 + (N − df + ½)/(df + ½)).
wink (k = 1) multiplies that by the constant (k1 + 1), which changes no ranking; the numbers here carry the factor.
Tolerance in the test: 1e-5 relative, since bm25s keeps scores as float32 (2^-24 each, a sum of up to 8 of them)
and wink rounds to 9 decimals.
"""

import json
import random

import bm25s

VERSION = "0.2.14"
assert bm25s.__version__ == VERSION, bm25s.__version__


def words(rng, count):
    return [f"w{int(60 * rng.random() ** 2)}" for _ in range(count)]


def main():
    rng = random.Random(20251122)
    corpus = [words(rng, rng.randrange(1, 40)) for _ in range(40)]
    queries = [words(rng, rng.randrange(1, 9)) for _ in range(12)]
    cases = []
    for k1, b in [(1.2, 0.75), (0.6, 0.75), (2.0, 0.0), (0.9, 1.0)]:
        retriever = bm25s.BM25(method="lucene", k1=k1, b=b)
        retriever.index(corpus, show_progress=False)
        scores = [[float(s) * (k1 + 1) for s in retriever.get_scores(query)] for query in queries]
        cases.append({"k1": k1, "b": b, "scores": [[round(s, 7) for s in row] for row in scores]})
    print(json.dumps({"bm25s": VERSION, "corpus": corpus, "queries": queries, "cases": cases}))


main()
