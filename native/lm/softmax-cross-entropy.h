// Cross-entropy of logits and its gradient in one go.
//
//   loss = w · (lse(z) − z_label)        dz = w · (softmax(z) − onehot(label))
//
// The gradient is written as exponentials in the pass that adds them up, and scaled in a second one over what is in
// cache then. A row of weight 0 is not read: its loss and gradient are 0, its label may be anything.
#pragma once

#include <cstdint>

#include "int-matmul.h"

namespace haetae {

/// logits and dLogits [rows, vocabulary]; labels (0 … vocabulary − 1), weights, loss [rows]. dLogits may be
/// logits. Needs AVX-512.
void softmaxCrossEntropy(const float* logits, const int64_t* labels, const float* weights, int64_t rows,
                         int64_t vocabulary, float* loss, float* dLogits, int threads, const ParallelFor& parallelFor);

}  // namespace haetae
