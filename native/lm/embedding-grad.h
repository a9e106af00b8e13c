// Gradient of an embedding table: rows of d are added to the rows of the table that they were looked up from.
//
// Tokens are sorted by id first (stably), then every row of the table is written by one thread, which adds its tokens
// in their order: no two threads meet, and the sum does not depend on their number.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

/// ids [tokens], each 0 … vocabulary − 1; d [tokens, width]; base and out [vocabulary, width], which may
/// be one. Needs AVX-512.
void embeddingGrad(const int64_t* ids, const float* d, const float* base, int64_t tokens, int64_t vocabulary,
                   int64_t width, float* out, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
