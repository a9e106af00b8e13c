# Reference numbers for training/embedder/{tfidf,randomized-svd}.ts. Writes svd_tfidf.json beside itself.
# Run with Python 3.11, numpy 2.4.6, scipy 1.17.1, scikit-learn 1.9.1:  python3 svd_tfidf.py
#
# 60 documents over 40 tokens from a fixed linear congruential generator; TF-IDF by scikit-learn
# (sublinear_tf, smooth_idf, l2); singular values by numpy's exact SVD; for the first 8 right singular vectors the
# projector V Vᵀ, which, unlike the vectors, does not depend on signs or on the basis of close pairs.
import json
import pathlib

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer

DOCS, VOCAB, RANK = 60, 40, 8
state = 12345


def uniform():
    global state
    state = (state * 1664525 + 1013904223) % 2**32
    return state / 2**32


documents = []
for i in range(DOCS):
    topic = i % 5
    ids = []
    for _ in range(5 + int(uniform() * 20)):
        if uniform() < 0.6:
            ids.append(topic * 8 + int(uniform() * 8))
        else:
            ids.append(int(uniform() ** 2 * VOCAB))
    documents.append(ids)
documents[7] = []

counts = np.zeros((DOCS, VOCAB))
for i, ids in enumerate(documents):
    for token in ids:
        counts[i, token] += 1
transformer = TfidfTransformer(norm="l2", use_idf=True, smooth_idf=True, sublinear_tf=True)
matrix = transformer.fit_transform(csr_matrix(counts)).toarray()
_, s, vt = np.linalg.svd(matrix, full_matrices=False)
projector = vt[:RANK].T @ vt[:RANK]

pathlib.Path(__file__).with_suffix(".json").write_text(
    json.dumps(
        {
            "documents": documents,
            "vocabSize": VOCAB,
            "idf": transformer.idf_.tolist(),
            "tfidf": np.round(matrix, 9).tolist(),
            "singularValues": s[: RANK + 1].tolist(),
            "rank": RANK,
            "projector": np.round(projector, 9).tolist(),
        }
    )
    + "\n"
)
