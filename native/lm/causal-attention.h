// Causal self-attention of training, forward and backward, by blocks (Dao et al. 2022, "FlashAttention").
//
//   out[i] = Σ_j softmax_j(q_i · k_j · scale) v_j      j in [first(i), i],
//   first(i) = max(visibleFrom[i], i − window + 1)
//
// q and k are rotated here (RoPE, halves; the position of a token is its index in the row), so gradients are those
// of the projections' output. Scores exist only as blocks in cache: forward keeps the log-sum-exp of each row of
// scores, from which backward makes the probabilities again. Blocks that nobody may see are skipped, so a row packed
// with short documents costs what the documents cost.
//
// One piece of work is a row and a key-value head with all its query heads: dK and dV are sums over these, and are
// added up by one thread in a fixed order. Results do not depend on the number of threads.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

struct CausalAttention {
  int64_t rows, length;  // tokens are [rows, length]
  int64_t heads, kvHeads, headDim;
  int64_t window;  // ≤ 0: none
  float scale;
  const float* qkv;            // [rows·length, (heads + 2·kvHeads)·headDim]
  const float* cosines;        // [≥ length, headDim/2]
  const float* sines;
  const int32_t* visibleFrom;  // [rows, length], 0 … own index

  int64_t width() const { return (heads + 2 * kvHeads) * headDim; }
};

/// Head sizes are multiples of 16. Needs AVX-512.
/// out [rows·length, heads·headDim]; lse [rows, heads, length], of the scaled scores.
void attendCausally(const CausalAttention& a, float* out, float* lse, int threads, const ParallelFor& parallelFor);

/// dQkv like qkv, and may be it, from dOut like out.
void attendCausallyGrad(const CausalAttention& a, const float* dOut, const float* out, const float* lse, float* dQkv,
                        const ParallelFor& parallelFor);

}  // namespace haetae
