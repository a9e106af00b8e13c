// Precision 0 of gemm.h: 8 rows by 48 columns in 24 registers of sums. A that is contiguous along k is read as it
// lies, one element for each row and step; else a strip of it is packed as [k, 8]. B is packed as [k, 48].
#include "gemm-kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "cpu.h"
#include "transpose.h"

namespace haetae {
namespace {

constexpr int64_t stripRows = 8;
constexpr int64_t stripVectors = 3;

inline __mmask16 first(int64_t count) { return static_cast<__mmask16>(count >= lanes ? 0xffff : (1u << count) - 1); }

/// Strips of A [k, m]: [depth, 8]; other ones are read as they lie. Two strips at a time, and many k, so that whole
/// lines are read and written.
HAETAE_AVX512 void packTurned(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth, void* packed) {
  auto* const to = static_cast<float*>(packed);
  constexpr int64_t together = 32;
  for (int64_t k0 = 0; k0 < depth; k0 += together) {
    const int64_t k1 = std::min(k0 + together, depth);
    const float* from = g.a + (k + k0) * g.m + row;
    for (int64_t j = 0; j < rows; j += lanes) {
      const __mmask16 mask = first(rows - j);
      float* strip = to + j * depth + k0 * stripRows;
      const bool isPair = rows - j > stripRows;
      for (int64_t i = 0; i < k1 - k0; i++) {
        const float* at = from + i * g.m + j;
        // Rows of A may be pages apart, where the processor does not look ahead by itself.
        _mm_prefetch(reinterpret_cast<const char*>(at + together * g.m), _MM_HINT_T0);
        const __m512 both = _mm512_maskz_loadu_ps(mask, at);
        _mm256_store_ps(strip + i * stripRows, _mm512_castps512_ps256(both));
        if (isPair) _mm256_store_ps(strip + (depth + i) * stripRows, _mm512_extractf32x8_ps(both, 1));
      }
    }
  }
}

HAETAE_AVX512 void packB(const Gemm& g, int64_t column, int64_t columns, int64_t k, int64_t depth, void* to) {
  const int64_t width = (columns + lanes - 1) / lanes * lanes;
  auto* packed = static_cast<float*>(to);
  if (!g.transB) {
    const float* from = g.b + k * g.n + column;
    for (int64_t i = 0; i < depth; i++)
      for (int64_t j = 0; j < width; j += lanes)
        _mm512_store_ps(packed + i * width + j, _mm512_maskz_loadu_ps(first(columns - j), from + i * g.n + j));
    return;
  }
  for (int64_t j = 0; j < width; j += lanes) {
    const float* from = g.b + (column + j) * g.k + k;
    for (int64_t i = 0; i < depth; i += lanes) {
      __m512 rows[lanes];
      for (int64_t r = 0; r < lanes; r++)
        rows[r] = j + r < columns ? _mm512_maskz_loadu_ps(first(depth - i), from + r * g.k + i) : _mm512_setzero_ps();
      transpose(rows);
      const int64_t left = std::min(lanes, depth - i);
      for (int64_t r = 0; r < left; r++) _mm512_store_ps(packed + (i + r) * width + j, rows[r]);
    }
  }
}

template <int Rows, int Vectors, bool Packed>
HAETAE_AVX512 void multiplyStrips(const GemmTile& tile) {
  __m512 sums[Rows][Vectors];
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; v++) sums[i][v] = _mm512_setzero_ps();
  const float* const c = tile.c;
  float* const y = tile.y;
  const int64_t yStride = tile.stride;
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; v++) __builtin_prefetch(y + i * yStride + v * lanes, 1);
  const int64_t stride = tile.aStride;
  const auto* a0 = static_cast<const float*>(tile.a);
  const float* a3 = a0 + 3 * stride;
  const float* a6 = a0 + 6 * stride;
  const auto* b = static_cast<const float*>(tile.b);
  for (int64_t k = 0; k < tile.depth; k++) {
    __m512 columns[Vectors];
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; v++) columns[v] = _mm512_load_ps(b + v * lanes);
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++) {
      // Three bases, so that every row is base, base + stride or base + 2·stride.
      const float* at = Packed ? a0 + i : (i < 3 ? a0 : i < 6 ? a3 : a6) + (i % 3) * stride;
      const __m512 element = _mm512_set1_ps(*at);
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; v++) sums[i][v] = _mm512_fmadd_ps(element, columns[v], sums[i][v]);
    }
    a0 += Packed ? stripRows : 1;
    a3++;
    a6++;
    b += Vectors * lanes;
  }
  const __m512 alpha = _mm512_set1_ps(tile.alpha);
  const __mmask16 last = first(tile.columns - (Vectors - 1) * lanes);
  if (c) {
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; v++) {
        const __mmask16 mask = v == Vectors - 1 ? last : 0xffff;
        const __m512 added = _mm512_maskz_loadu_ps(mask, c + i * yStride + v * lanes);
        _mm512_mask_storeu_ps(y + i * yStride + v * lanes, mask, _mm512_fmadd_ps(alpha, sums[i][v], added));
      }
    }
  } else {
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; v++) {
        const __mmask16 mask = v == Vectors - 1 ? last : 0xffff;
        _mm512_mask_storeu_ps(y + i * yStride + v * lanes, mask, _mm512_mul_ps(alpha, sums[i][v]));
      }
    }
  }
}

using Multiply = void (*)(const GemmTile&);

template <int Rows>
constexpr Multiply multiplyRows[stripVectors][2] = {
    {multiplyStrips<Rows, 1, false>, multiplyStrips<Rows, 1, true>},
    {multiplyStrips<Rows, 2, false>, multiplyStrips<Rows, 2, true>},
    {multiplyStrips<Rows, 3, false>, multiplyStrips<Rows, 3, true>},
};

void multiply(const GemmTile& tile) {
  static constexpr const Multiply (*table[stripRows])[2] = {multiplyRows<1>, multiplyRows<2>, multiplyRows<3>,
                                                            multiplyRows<4>, multiplyRows<5>, multiplyRows<6>,
                                                            multiplyRows<7>, multiplyRows<8>};
  table[tile.rows - 1][(tile.columns - 1) / lanes][tile.aStride == 0](tile);
}

}  // namespace

const GemmKernel& avx512Gemm() {
  static const GemmKernel kernel = [] {
    GemmKernel made{};
    made.rows = stripRows;
    made.columns = stripVectors * lanes;
    made.panelColumns = 528;
    made.depth = 384;
    made.step = 1;
    made.blockRows = 384;
    made.bytes = sizeof(float);
    made.readsA = true;
    made.packA = packTurned;
    made.packB = packB;
    made.multiply = multiply;
    return made;
  }();
  return kernel;
}

}  // namespace haetae

#else

namespace haetae {
const GemmKernel& avx512Gemm() {
  static const GemmKernel none{};
  return none;
}
}  // namespace haetae

#endif
