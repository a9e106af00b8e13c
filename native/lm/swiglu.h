#pragma once

#include "int-matmul.h"

namespace haetae {

/// out[m, f] = silu(x[m, f]) · x[m, features + f] for x [m, 2·features]; silu(v) = v / (1 + e^−v).
void swiglu(const float* x, int64_t m, int64_t features, float* out, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
