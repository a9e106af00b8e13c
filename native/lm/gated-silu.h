// SwiGLU's elementwise part (Shazeer 2020), forward and backward, for training.
//
//   y = silu(gate) · up, silu(g) = g · s, s = 1 / (1 + e^−g)
//   dgate = dy · up · s · (1 + g · (1 − s))        dup = dy · g · s
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

/// gateUp [rows, 2·features] = gate, then up; y [rows, features]. Needs AVX-512.
void gatedSilu(const float* gateUp, int64_t rows, int64_t features, float* y, int threads,
               const ParallelFor& parallelFor);

/// dy [rows, features]; dGateUp like gateUp, and may be it.
void gatedSiluGrad(const float* dy, const float* gateUp, int64_t rows, int64_t features, float* dGateUp, int threads,
                   const ParallelFor& parallelFor);

}  // namespace haetae
