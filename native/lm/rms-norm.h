// Root-mean-square norm of rows (Zhang and Sennrich 2019), forward and backward, for training.
//
//   y = x · r · weight, r = 1 / √(mean(x²) + ε)
//   dx = r · (g − x · r² · mean(g ⊙ x)), g = dy ⊙ weight        dweight = Σ_rows dy ⊙ x · r
//
// dweight is added up over blocks of rows whose bounds depend on nothing but the number of rows, and then over the
// blocks in order, so that it does not depend on threads.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

/// x and y [rows, width], weight [width], inverse [rows]. Needs AVX-512.
void rmsNorm(const float* x, const float* weight, int64_t rows, int64_t width, float epsilon, float* y, float* inverse,
             int threads, const ParallelFor& parallelFor);

/// dy, x, dx [rows, width], inverse [rows] of the forward pass, weight and dWeight [width]. dx may be dy.
void rmsNormGrad(const float* dy, const float* x, const float* weight, const float* inverse, int64_t rows,
                 int64_t width, float* dx, float* dWeight, const ParallelFor& parallelFor);

}  // namespace haetae
