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

void (*const unused)() = nullptr;

HAETAE_AVX512 void packA(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth, void* to) {
  // Only A [k, m] comes here.
  const float* from = g.a + k * g.m + row;
  auto* packed = static_cast<float*>(to);
  const __mmask8 mask = static_cast<__mmask8>((1u << rows) - 1);
  for (int64_t i = 0; i < depth; i++) _mm256_store_ps(packed + i * stripRows, _mm256_maskz_loadu_ps(mask, from + i * g.m));
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
#pragma GCC unroll 8
  for (int i = 0; i < Rows; i++) {
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; v++) {
      const int64_t at = i * tile.stride + v * lanes;
      const __mmask16 mask = v == Vectors - 1 ? last : 0xffff;
      const __m512 sum = tile.c ? _mm512_fmadd_ps(alpha, sums[i][v], _mm512_maskz_loadu_ps(mask, tile.c + at))
                                : _mm512_mul_ps(alpha, sums[i][v]);
      _mm512_mask_storeu_ps(tile.y + at, mask, sum);
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
  static const GemmKernel kernel{stripRows, stripVectors * lanes, 256, 1, 192, sizeof(float), true, packA, packB, multiply, unused, unused};
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
