// The two kernels behind intMatMul (see int-matmul.h).
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

/// Walks along k with AVX-512 VNNI. Best for few rows.
void vnniMatMul(const float* x, int64_t m, const IntMatrix& w, const float* bias, float* out, int threads,
                const ParallelFor& parallelFor);

/// Tiles of 16 rows of x by 16 of W with AMX.
void amxMatMul(const float* x, int64_t m, const IntMatrix& w, const float* bias, float* out, int threads,
               const ParallelFor& parallelFor);

/// How many pieces to cut `total` into, and where piece i begins: enough for the threads to end together.
struct Pieces {
  int64_t total;
  size_t count;
  int64_t begin(size_t i) const { return total * static_cast<int64_t>(i) / static_cast<int64_t>(count); }
};

inline Pieces cut(int64_t total, int threads, int perThread) {
  const int64_t wanted = threads > 1 ? static_cast<int64_t>(threads) * perThread : 1;
  return {total, static_cast<size_t>(total < wanted ? (total > 0 ? total : 1) : wanted)};
}

}  // namespace haetae
