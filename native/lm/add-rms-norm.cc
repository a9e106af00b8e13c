#include "add-rms-norm.h"

#include <cmath>

#include "int-matmul-kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "cpu.h"
#endif

namespace haetae {
namespace {

void plain(const float* x, const float* addend, const float* weight, int64_t width, float epsilon, float* out,
           float* sum) {
  float squares = 0;
  for (int64_t i = 0; i < width; i++) {
    sum[i] = x[i] + addend[i];
    squares += sum[i] * sum[i];
  }
  const float factor = 1.0f / std::sqrt(squares / static_cast<float>(width) + epsilon);
  for (int64_t i = 0; i < width; i++) out[i] = sum[i] * factor * weight[i];
}

#if defined(__x86_64__)

HAETAE_AVX512 void vector(const float* x, const float* addend, const float* weight, int64_t width, float epsilon,
                          float* out, float* sum) {
  __m512 squares = _mm512_setzero_ps();
  for (int64_t i = 0; i < width; i += 16) {
    const __m512 s = _mm512_add_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(addend + i));
    _mm512_storeu_ps(sum + i, s);
    squares = _mm512_fmadd_ps(s, s, squares);
  }
  const float mean = _mm512_reduce_add_ps(squares) / static_cast<float>(width);
  const __m512 factor = _mm512_set1_ps(1.0f / std::sqrt(mean + epsilon));
  for (int64_t i = 0; i < width; i += 16) {
    const __m512 scaled = _mm512_mul_ps(_mm512_loadu_ps(sum + i), factor);
    _mm512_storeu_ps(out + i, _mm512_mul_ps(scaled, _mm512_loadu_ps(weight + i)));
  }
}

#endif

}  // namespace

void addRmsNorm(const float* x, const float* addend, const float* weight, int64_t m, int64_t width, float epsilon,
                float* out, float* sum, int threads, const ParallelFor& parallelFor) {
  auto row = plain;
#if defined(__x86_64__)
  if (hasVnni() && width % 16 == 0) row = vector;
#endif
  const auto one = [&](int64_t i) {
    row(x + i * width, addend + i * width, weight, width, epsilon, out + i * width, sum + i * width);
  };
  if (m < 32) {  // shorter than waking a thread
    for (int64_t i = 0; i < m; i++) one(i);
    return;
  }
  const Pieces pieces = cut(m, threads, 2);
  parallelFor(pieces.count, [&](size_t p) {
    for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++) one(i);
  });
}

}  // namespace haetae
