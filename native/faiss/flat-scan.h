// Exact inner-product search over a row-major matrix of floats, one pass, best k per query.
//
// Debian's libfaiss is built for the oldest CPU of the architecture, and FAISS spreads a search over threads
// by query only. This scan picks AVX-512, AVX2+FMA or the baseline at run time, and spreads one query over
// rows. It also reads rows that are not 4-byte aligned, which the rows of a mapped FAISS file are not.
//
// Order of results: score descending, then row ascending, so that equal scores are returned in one order
// everywhere (flat-scan.ts does the same).
#pragma once

#include <cstddef>
#include <cstdint>

namespace haetae {

/// rows: [n, d] floats at any address · queries: [nq, d] · distances, labels: [nq, k], padded with
/// −FLT_MAX and −1 · threads ≥ 1.
void scanInnerProduct(const uint8_t* rows, size_t n, size_t d, const float* queries, size_t nq, size_t k,
                      float* distances, int64_t* labels, int threads);

/// `avx512`, `avx2` or `baseline`: the variant this CPU gets.
const char* scanVariant();

}  // namespace haetae
