#pragma once

#include "int-matmul.h"

namespace haetae {

/// sum = x + addend, out = sum / √(mean(sum²) + epsilon) · weight, over rows of `width` (any; fastest in sixteens).
/// ONNX Runtime's SkipSimplifiedLayerNormalization, without waking a thread for a few rows.
void addRmsNorm(const float* x, const float* addend, const float* weight, int64_t m, int64_t width, float epsilon,
                float* out, float* sum, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
