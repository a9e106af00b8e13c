#include "rms-norm.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cpu.h"
#include "int-matmul-kernels.h"
#include "training-lanes.h"

namespace haetae {
namespace {

HAETAE_AVX512 void normRow(const float* x, const float* weight, int64_t width, float epsilon, float* y,
                           float* inverse) {
  __m512 squares = _mm512_setzero_ps();
  for (int64_t i = 0; i < width; i += lanes) {
    const __m512 v = _mm512_maskz_loadu_ps(lanesBelow(width - i), x + i);
    squares = _mm512_fmadd_ps(v, v, squares);
  }
  *inverse = 1.0f / std::sqrt(_mm512_reduce_add_ps(squares) / static_cast<float>(width) + epsilon);
  const __m512 r = _mm512_set1_ps(*inverse);
  for (int64_t i = 0; i < width; i += lanes) {
    const __mmask16 mask = lanesBelow(width - i);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), r);
    _mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
  }
}

/// dx of a row; what the row gives to dWeight is added to `sums`.
HAETAE_AVX512 void gradRow(const float* dy, const float* x, const float* weight, float inverse, int64_t width,
                           float* dx, float* sums) {
  __m512 dots = _mm512_setzero_ps();
  const __m512 r = _mm512_set1_ps(inverse);
  for (int64_t i = 0; i < width; i += lanes) {
    const __mmask16 mask = lanesBelow(width - i);
    const __m512 product = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, dy + i), _mm512_maskz_loadu_ps(mask, x + i));
    dots = _mm512_fmadd_ps(product, _mm512_maskz_loadu_ps(mask, weight + i), dots);
    _mm512_mask_storeu_ps(sums + i, mask, _mm512_fmadd_ps(product, r, _mm512_maskz_loadu_ps(mask, sums + i)));
  }
  const __m512 shift =
      _mm512_set1_ps(_mm512_reduce_add_ps(dots) / static_cast<float>(width) * inverse * inverse * inverse);
  for (int64_t i = 0; i < width; i += lanes) {
    const __mmask16 mask = lanesBelow(width - i);
    const __m512 g = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, dy + i), _mm512_maskz_loadu_ps(mask, weight + i));
    const __m512 shifted = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), shift);
    _mm512_mask_storeu_ps(dx + i, mask, _mm512_fmsub_ps(g, r, shifted));
  }
}

/// At most 64 blocks, so that adding them up stays small beside making them.
int64_t rowsOfBlock(int64_t rows) { return std::max<int64_t>(64, (rows + 63) / 64); }

}  // namespace

void rmsNorm(const float* x, const float* weight, int64_t rows, int64_t width, float epsilon, float* y, float* inverse,
             int threads, const ParallelFor& parallelFor) {
  const Pieces pieces = cut(rows, threads, 2);
  parallelFor(pieces.count, [&](size_t p) {
    for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++)
      normRow(x + i * width, weight, width, epsilon, y + i * width, inverse + i);
  });
}

void rmsNormGrad(const float* dy, const float* x, const float* weight, const float* inverse, int64_t rows,
                 int64_t width, float* dx, float* dWeight, const ParallelFor& parallelFor) {
  const int64_t step = rowsOfBlock(rows), blocks = (rows + step - 1) / step;
  std::vector<float> sums(static_cast<size_t>(blocks * width), 0.0f);
  parallelFor(static_cast<size_t>(blocks), [&](size_t b) {
    const int64_t block = static_cast<int64_t>(b);
    for (int64_t i = block * step; i < std::min(rows, (block + 1) * step); i++)
      gradRow(dy + i * width, x + i * width, weight, inverse[i], width, dx + i * width, sums.data() + block * width);
  });
  std::fill_n(dWeight, width, 0.0f);
  for (int64_t b = 0; b < blocks; b++)
    for (int64_t i = 0; i < width; i++) dWeight[i] += sums[static_cast<size_t>(b * width + i)];
}

}  // namespace haetae

#else

namespace haetae {
void rmsNorm(const float*, const float*, int64_t, int64_t, float, float*, float*, int, const ParallelFor&) {}
void rmsNormGrad(const float*, const float*, const float*, const float*, int64_t, int64_t, float*, float*,
                 const ParallelFor&) {}
}  // namespace haetae

#endif
