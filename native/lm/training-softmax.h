// Passes over a row of logits that losses share.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "exponential.h"
#include "training-lanes.h"

namespace haetae {

/// e^x, and 0 where that is no normal number; NaN stays.
HAETAE_AVX512 inline __m512 exponentialOrZero(__m512 x) {
  const __mmask16 mask = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_NLT_UQ);
  return _mm512_maskz_mov_ps(mask, exponential(x));
}

/// The largest; NaN may or may not be passed over.
HAETAE_AVX512 inline float largestOf(const float* x, int64_t count) {
  const __m512 lowest = _mm512_set1_ps(-INFINITY);
  __m512 m[4] = {lowest, lowest, lowest, lowest};
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes)
    for (int j = 0; j < 4; j++) m[j] = _mm512_max_ps(m[j], _mm512_loadu_ps(x + i + j * lanes));
  for (; i < count; i += lanes) {
    const __mmask16 mask = lanesBelow(count - i);
    m[0] = _mm512_mask_max_ps(m[0], mask, m[0], _mm512_maskz_loadu_ps(mask, x + i));
  }
  return _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(m[0], m[1]), _mm512_max_ps(m[2], m[3])));
}

/// out = e^(x − max); returns the sum. NaN goes into it.
HAETAE_AVX512 inline float exponentiateRow(const float* x, float max, int64_t count, float* out) {
  const __m512 m = _mm512_set1_ps(max);
  __m512 sum[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  int64_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    for (int j = 0; j < 4; j++) {
      const __m512 e = exponentialOrZero(_mm512_sub_ps(_mm512_loadu_ps(x + i + j * lanes), m));
      _mm512_storeu_ps(out + i + j * lanes, e);
      sum[j] = _mm512_add_ps(sum[j], e);
    }
  }
  for (; i < count; i += lanes) {
    const __mmask16 mask = lanesBelow(count - i);
    const __m512 e = exponentialOrZero(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), m));
    _mm512_mask_storeu_ps(out + i, mask, e);
    sum[0] = _mm512_mask_add_ps(sum[0], mask, sum[0], e);
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}

}  // namespace haetae
