#include "swiglu.h"

#include <cmath>

#include "int-matmul-kernels.h"

#if defined(__x86_64__)
#include "exponential.h"
#endif

namespace haetae {
namespace {

void plain(const float* gate, const float* up, int64_t count, float* out) {
  for (int64_t i = 0; i < count; i++) out[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

#if defined(__x86_64__)

HAETAE_AVX512 void vector(const float* gate, const float* up, int64_t count, float* out) {
  const __m512 one = _mm512_set1_ps(1.0f);
  for (int64_t i = 0; i < count; i += 16) {
    const __mmask16 mask = count - i >= 16 ? 0xffff : static_cast<__mmask16>((1u << (count - i)) - 1);
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 e = exponential(_mm512_sub_ps(_mm512_setzero_ps(), g));
    const __m512 silu = _mm512_div_ps(g, _mm512_add_ps(one, e));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(mask, up + i)));
  }
}

#endif

void row(const float* gate, const float* up, int64_t count, float* out) {
#if defined(__x86_64__)
  if (hasVnni()) return vector(gate, up, count, out);
#endif
  plain(gate, up, count, out);
}

}  // namespace

void swiglu(const float* x, int64_t m, int64_t features, float* out, int threads, const ParallelFor& parallelFor) {
  const auto one = [&](int64_t i) { row(x + i * 2 * features, x + (i * 2 + 1) * features, features, out + i * features); };
  if (m < 8) {  // shorter than waking a thread
    for (int64_t i = 0; i < m; i++) one(i);
    return;
  }
  const Pieces pieces = cut(m, threads, 2);
  parallelFor(pieces.count, [&](size_t i) {
    for (int64_t r = pieces.begin(i); r < pieces.begin(i + 1); r++) one(r);
  });
}

}  // namespace haetae
