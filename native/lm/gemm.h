// Matrix multiplication for training: Y = α · op(A) · op(B) + C, all float32 outside, op = as it is or turned.
//
//   precision 0   float32 products and sums, AVX-512
//             1   A and B rounded to bfloat16, float32 sums, AMX tiles
//             3   each element as the sum of two bfloat16 (high + low): high·high + high·low + low·high, float32
//                 sums, AMX tiles; about 16 bits of each element count. The product of the low parts, at most 2⁻¹⁶ of
//                 the whole, is left out ("bf16x3": Henry, Tang, Heinecke, arXiv:1904.06376)
//
// They are what PyTorch calls `highest`, `medium` and `high`. AMX rounds α·A, not A. It takes denormal numbers for 0,
// and an infinite element gives NaN with precision 3.
//
// An element of Y is summed in an order that only the shape decides: results are the same for any number of threads.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

struct Gemm {
  const float* a;  // [m, k], transA: [k, m]
  const float* b;  // [k, n], transB: [n, k]
  const float* c;  // [m, n], may be null, may be y
  float* y;        // [m, n]
  int64_t m, n, k;
  bool transA, transB;
  float alpha;
};

/// Whether the processor has what a precision needs; not a precision: false.
bool hasGemmPrecision(int64_t precision);

/// `precision` has to be there, and AVX-512. Uses `threads` through `parallelFor`.
void gemm(int64_t precision, const Gemm& g, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
