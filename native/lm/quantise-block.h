// 32 floats as 8-bit integers: q = round(x · 127 / max|x|).
//
// A block that holds NaN or an infinity has NaN as its scale, so that every product of it is NaN too; one whose
// factor would overflow is zero.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "cpu.h"

namespace haetae {

struct QuantisedBlock {
  __m128i first, second;  // 4-bit weights: the even elements, the odd ones; 8-bit: the halves
  float scale;
  int32_t sum;
};

HAETAE_VNNI inline QuantisedBlock quantiseBlock(const float* x, bool evenOdd) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  constexpr int32_t infinity = 0x7f800000;
  constexpr float smallest = 1e-36f;
  const __m512 x0 = _mm512_loadu_ps(x);
  const __m512 x1 = _mm512_loadu_ps(x + 16);
  // As integers magnitudes have the same order, with NaN above all.
  const int32_t bits = _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(x0), magnitude),
                                                                _mm512_and_si512(_mm512_castps_si512(x1), magnitude)));
  float max;
  std::memcpy(&max, &bits, sizeof(max));
  const bool isFinite = bits < infinity;
  const __mmask16 kept = isFinite ? 0xffff : 0;
  const __m512 factor = _mm512_set1_ps(max > smallest ? 127.0f / max : 0.0f);
  __m512i q0 = _mm512_maskz_cvtps_epi32(kept, _mm512_mul_ps(x0, factor));
  __m512i q1 = _mm512_maskz_cvtps_epi32(kept, _mm512_mul_ps(x1, factor));
  QuantisedBlock block;
  block.scale = isFinite ? max / 127.0f : std::numeric_limits<float>::quiet_NaN();
  block.sum = _mm512_reduce_add_epi32(_mm512_add_epi32(q0, q1));
  if (evenOdd) {
    const __m512i evens = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odds = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    const __m512i even = _mm512_permutex2var_epi32(q0, evens, q1);
    q1 = _mm512_permutex2var_epi32(q0, odds, q1);
    q0 = even;
  }
  block.first = _mm512_cvtsepi32_epi8(q0);
  block.second = _mm512_cvtsepi32_epi8(q1);
  return block;
}

}  // namespace haetae
