#include "argmax.h"

#include <algorithm>
#include <limits>

#if defined(__x86_64__)
#include <immintrin.h>

#include "cpu.h"
#endif

namespace haetae {
namespace {

constexpr float lowest = -std::numeric_limits<float>::infinity();

float plainLargest(const float* values, int64_t count, float largest) {
  for (int64_t i = 0; i < count; i++)
    if (values[i] > largest) largest = values[i];
  return largest;
}

#if defined(__x86_64__)

HAETAE_AVX512 float vectorLargest(const float* values, int64_t count) {
  __m512 largest[4];
  for (auto& l : largest) l = _mm512_set1_ps(lowest);
  int64_t i = 0;
  for (; i + 64 <= count; i += 64) {
    for (int j = 0; j < 4; j++) {
      const __m512 v = _mm512_loadu_ps(values + i + 16 * j);
      largest[j] = _mm512_mask_mov_ps(largest[j], _mm512_cmp_ps_mask(v, largest[j], _CMP_GT_OQ), v);
    }
  }
  const __m512 all = _mm512_max_ps(_mm512_max_ps(largest[0], largest[1]), _mm512_max_ps(largest[2], largest[3]));
  return plainLargest(values + i, count - i, _mm512_reduce_max_ps(all));
}

#endif

}  // namespace

int64_t argmax(const float* values, int64_t count) {
#if defined(__x86_64__)
  const float largest = hasVnni() ? vectorLargest(values, count) : plainLargest(values, count, lowest);
#else
  const float largest = plainLargest(values, count, lowest);
#endif
  if (largest == lowest) return -1;
  return std::find(values, values + count, largest) - values;
}

}  // namespace haetae
