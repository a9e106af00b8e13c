#include "gated-silu.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include "exponential.h"
#include "int-matmul-kernels.h"
#include "training-lanes.h"

namespace haetae {
namespace {

HAETAE_AVX512 inline __m512 sigmoid(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.0f);
  return _mm512_div_ps(one, _mm512_add_ps(one, exponential(_mm512_sub_ps(_mm512_setzero_ps(), x))));
}

HAETAE_AVX512 void forwardRow(const float* gate, const float* up, int64_t features, float* y) {
  for (int64_t i = 0; i < features; i += lanes) {
    const __mmask16 mask = lanesBelow(features - i);
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 silu = _mm512_mul_ps(g, sigmoid(g));
    _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(mask, up + i)));
  }
}

HAETAE_AVX512 void backwardRow(const float* dy, const float* gate, const float* up, int64_t features, float* dGate,
                               float* dUp) {
  const __m512 one = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < features; i += lanes) {
    const __mmask16 mask = lanesBelow(features - i);
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i), d = _mm512_maskz_loadu_ps(mask, dy + i);
    const __m512 s = sigmoid(g);
    const __m512 slope = _mm512_mul_ps(s, _mm512_fmadd_ps(g, _mm512_sub_ps(one, s), one));
    const __m512 du = _mm512_mul_ps(d, _mm512_maskz_loadu_ps(mask, up + i));
    _mm512_mask_storeu_ps(dGate + i, mask, _mm512_mul_ps(du, slope));
    _mm512_mask_storeu_ps(dUp + i, mask, _mm512_mul_ps(d, _mm512_mul_ps(g, s)));
  }
}

}  // namespace

void gatedSilu(const float* gateUp, int64_t rows, int64_t features, float* y, int threads,
               const ParallelFor& parallelFor) {
  const Pieces pieces = cut(rows, threads, 2);
  parallelFor(pieces.count, [&](size_t p) {
    for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++) {
      const float* gate = gateUp + i * 2 * features;
      forwardRow(gate, gate + features, features, y + i * features);
    }
  });
}

void gatedSiluGrad(const float* dy, const float* gateUp, int64_t rows, int64_t features, float* dGateUp, int threads,
                   const ParallelFor& parallelFor) {
  const Pieces pieces = cut(rows, threads, 2);
  parallelFor(pieces.count, [&](size_t p) {
    for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++) {
      const float* gate = gateUp + i * 2 * features;
      float* dGate = dGateUp + i * 2 * features;
      backwardRow(dy + i * features, gate, gate + features, features, dGate, dGate + features);
    }
  });
}

}  // namespace haetae

#else

namespace haetae {
void gatedSilu(const float*, int64_t, int64_t, float*, int, const ParallelFor&) {}
void gatedSiluGrad(const float*, const float*, int64_t, int64_t, float*, int, const ParallelFor&) {}
}  // namespace haetae

#endif
