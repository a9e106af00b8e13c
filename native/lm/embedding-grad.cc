#include "embedding-grad.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <vector>

#include "cpu.h"
#include "int-matmul-kernels.h"
#include "training-lanes.h"

namespace haetae {
namespace {

HAETAE_AVX512 void add(const float* x, int64_t width, float* sum) {
  for (int64_t i = 0; i < width; i += lanes) {
    const __mmask16 mask = lanesBelow(width - i);
    const __m512 s = _mm512_add_ps(_mm512_maskz_loadu_ps(mask, sum + i), _mm512_maskz_loadu_ps(mask, x + i));
    _mm512_mask_storeu_ps(sum + i, mask, s);
  }
}

}  // namespace

void embeddingGrad(const int64_t* ids, const float* d, const float* base, int64_t tokens, int64_t vocabulary,
                   int64_t width, float* out, int threads, const ParallelFor& parallelFor) {
  // A counting sort: tokens of id v are order[begin[v]] … order[begin[v + 1] − 1].
  std::vector<int64_t> begin(static_cast<size_t>(vocabulary) + 2, 0), order(static_cast<size_t>(tokens));
  for (int64_t t = 0; t < tokens; t++) begin[static_cast<size_t>(ids[t]) + 2]++;
  for (size_t v = 2; v < begin.size(); v++) begin[v] += begin[v - 1];
  for (int64_t t = 0; t < tokens; t++) order[static_cast<size_t>(begin[static_cast<size_t>(ids[t]) + 1]++)] = t;
  const Pieces pieces = cut(vocabulary, threads, 8);
  parallelFor(pieces.count, [&](size_t p) {
    const int64_t from = pieces.begin(p), to = pieces.begin(p + 1);
    if (out != base) std::copy_n(base + from * width, (to - from) * width, out + from * width);
    for (int64_t i = begin[static_cast<size_t>(from)]; i < begin[static_cast<size_t>(to)]; i++) {
      const int64_t token = order[static_cast<size_t>(i)];
      add(d + token * width, width, out + ids[token] * width);
    }
  });
}

}  // namespace haetae

#else

namespace haetae {
void embeddingGrad(const int64_t*, const float*, const float*, int64_t, int64_t, int64_t, float*, int,
                   const ParallelFor&) {}
}  // namespace haetae

#endif
