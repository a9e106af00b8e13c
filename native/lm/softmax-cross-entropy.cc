#include "softmax-cross-entropy.h"

#if defined(__x86_64__)

#include "int-matmul-kernels.h"
#include "training-softmax.h"

namespace haetae {
namespace {

HAETAE_AVX512 float lossOfRow(const float* logits, int64_t label, float weight, int64_t vocabulary, float* dLogits) {
  const float max = largestOf(logits, vocabulary), toMax = logits[label] - max;
  const float sum = exponentiateRow(logits, max, vocabulary, dLogits);
  const __m512 factor = _mm512_set1_ps(weight / sum);
  for (int64_t i = 0; i < vocabulary; i += lanes) {
    const __mmask16 mask = lanesBelow(vocabulary - i);
    _mm512_mask_storeu_ps(dLogits + i, mask, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, dLogits + i), factor));
  }
  dLogits[label] -= weight;
  return weight * (std::log(sum) - toMax);
}

}  // namespace

void softmaxCrossEntropy(const float* logits, const int64_t* labels, const float* weights, int64_t rows,
                         int64_t vocabulary, float* loss, float* dLogits, int threads,
                         const ParallelFor& parallelFor) {
  const Pieces pieces = cut(rows, threads, 4);
  parallelFor(pieces.count, [&](size_t p) {
    for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++) {
      float* d = dLogits + i * vocabulary;
      if (weights[i] == 0) std::fill_n(d, vocabulary, 0.0f), loss[i] = 0;
      else loss[i] = lossOfRow(logits + i * vocabulary, labels[i], weights[i], vocabulary, d);
    }
  });
}

}  // namespace haetae

#else

namespace haetae {
void softmaxCrossEntropy(const float*, const int64_t*, const float*, int64_t, int64_t, float*, float*, int,
                         const ParallelFor&) {}
}  // namespace haetae

#endif
