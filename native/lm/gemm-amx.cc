// Precisions 1 and 3 of gemm.h: 32 rows by 32 columns as four tiles of sums. One multiplication takes 32 elements
// along k of 16 rows of A, and of 16 columns of B, where two elements of a column that follow each other are one lane:
//
//   sums [16 rows, 16 columns] float32  +=  A [16 rows, 32] bfloat16 · B [16 pairs, 16 columns, 2] bfloat16
//
// A packed strip holds for each 32 along k the high tiles, then (precision 3) the low tiles.
#include "gemm-kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>

#include "cpu.h"
#include "transpose.h"

namespace haetae {
namespace {

constexpr int64_t stripEdge = 32;  // rows of A, columns of B
constexpr int64_t step = 32;       // along k
constexpr int64_t tileBytes = 1024;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t startRow = 0;
  uint8_t reserved[14] = {};
  uint16_t bytesPerRow[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

/// In memory as a whole: GCC thinks that only its first bytes are read.
constexpr TileConfig config;

HAETAE_AMX_BF16 void begin() { _tile_loadconfig(&config); }

HAETAE_AMX_BF16 void end() { _tile_release(); }

inline __mmask16 first(int64_t count) {
  return static_cast<__mmask16>(count >= lanes ? 0xffff : count > 0 ? (1u << count) - 1 : 0);
}

HAETAE_AMX_BF16 inline __m512i roundBoth(__m512 high, __m512 low) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high, low));
}

HAETAE_AMX_BF16 inline __m512 widen(__m256i bf16) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bf16), 16));
}

HAETAE_AMX_BF16 inline void storeTile(__m512i* rows, bool turned, uint8_t* to) {
  if (turned) transpose(reinterpret_cast<__m512*>(rows));
  for (int64_t i = 0; i < lanes; i++) _mm512_store_si512(to + i * 64, rows[i]);
}

/// 16 lines (rows of A, columns of B) by 32 along k as one tile of rounded elements and, if Split, one of what
/// rounding left. Line l, element k: from[l·stride + k] if AlongK, else from[k·stride + l].
/// ByLine: a row of the tile is a line, as A wants it; else it is a pair along k, as B wants it.
template <bool AlongK, bool ByLine, bool Split>
HAETAE_AMX_BF16 void packTile(const float* from, int64_t stride, int64_t lines, int64_t depth, float factor, uint8_t* high,
                              uint8_t* low) {
  const __m512 by = _mm512_set1_ps(factor);
  const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                       5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  __m512i rounded[lanes], left[lanes];
  for (int64_t i = 0; i < lanes; i++) {
    __m512 x0 = _mm512_setzero_ps(), x1 = _mm512_setzero_ps();
    if constexpr (AlongK) {
      if (i < lines) {
        x0 = _mm512_maskz_loadu_ps(first(depth), from + i * stride);
        if (depth > lanes) x1 = _mm512_maskz_loadu_ps(first(depth - lanes), from + i * stride + lanes);
      }
    } else {
      if (2 * i < depth) x0 = _mm512_maskz_loadu_ps(first(lines), from + 2 * i * stride);
      if (2 * i + 1 < depth) x1 = _mm512_maskz_loadu_ps(first(lines), from + (2 * i + 1) * stride);
    }
    x0 = _mm512_mul_ps(x0, by);
    x1 = _mm512_mul_ps(x1, by);
    rounded[i] = roundBoth(x1, x0);
    if constexpr (Split) {
      left[i] = roundBoth(_mm512_sub_ps(x1, widen(_mm512_extracti64x4_epi64(rounded[i], 1))),
                          _mm512_sub_ps(x0, widen(_mm512_castsi512_si256(rounded[i]))));
      if constexpr (!AlongK) left[i] = _mm512_permutexvar_epi16(zip, left[i]);
    }
    if constexpr (!AlongK) rounded[i] = _mm512_permutexvar_epi16(zip, rounded[i]);
  }
  storeTile(rounded, AlongK != ByLine, high);
  if constexpr (Split) storeTile(left, AlongK != ByLine, low);
}

template <bool AlongK, bool ByLine, int Parts>
HAETAE_AMX_BF16 void packStrip(const float* from, int64_t stride, int64_t lines, int64_t tiles, int64_t depth, float factor,
                               uint8_t* to) {
  for (int64_t k = 0; k < depth; k += step) {
    for (int64_t t = 0; t < tiles; t++) {
      const int64_t line = t * lanes;
      packTile<AlongK, ByLine, Parts == 2>(from + (AlongK ? line * stride + k : k * stride + line), stride,
                                           std::clamp(lines - line, int64_t{0}, lanes), std::min(step, depth - k), factor,
                                           to + t * tileBytes, to + (tiles + t) * tileBytes);
    }
    to += tiles * Parts * tileBytes;
  }
}

template <int Parts>
void packA(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth, void* to) {
  auto* packed = static_cast<uint8_t*>(to);
  const int64_t tiles = (rows + lanes - 1) / lanes;
  if (g.transA) packStrip<false, true, Parts>(g.a + k * g.m + row, g.m, rows, tiles, depth, g.alpha, packed);
  else packStrip<true, true, Parts>(g.a + row * g.k + k, g.k, rows, tiles, depth, g.alpha, packed);
}

template <int Parts>
void packB(const Gemm& g, int64_t column, int64_t columns, int64_t k, int64_t depth, void* to) {
  auto* packed = static_cast<uint8_t*>(to);
  const int64_t tiles = (columns + lanes - 1) / lanes;
  if (g.transB) packStrip<true, false, Parts>(g.b + column * g.k + k, g.k, columns, tiles, depth, 1.0f, packed);
  else packStrip<false, false, Parts>(g.b + k * g.n + column, g.n, columns, tiles, depth, 1.0f, packed);
}

/// Tiles 0 to 3: sums, row by row; 4, 5: A; 6, 7: B.
template <int RowTiles, int ColumnTiles>
HAETAE_AMX_BF16 inline void multiplyTiles() {
  _tile_dpbf16ps(0, 4, 6);
  if constexpr (ColumnTiles == 2) _tile_dpbf16ps(1, 4, 7);
  if constexpr (RowTiles == 2) _tile_dpbf16ps(2, 5, 6);
  if constexpr (RowTiles == 2 && ColumnTiles == 2) _tile_dpbf16ps(3, 5, 7);
}

template <int RowTiles>
HAETAE_AMX_BF16 inline void loadA(const uint8_t* a) {
  _tile_loadd(4, a, 64);
  if constexpr (RowTiles == 2) _tile_loadd(5, a + tileBytes, 64);
}

template <int ColumnTiles>
HAETAE_AMX_BF16 inline void loadB(const uint8_t* b) {
  _tile_loadd(6, b, 64);
  if constexpr (ColumnTiles == 2) _tile_loadd(7, b + tileBytes, 64);
}

/// y = c + a · b for whole tiles; c may be null.
template <int Parts, int RowTiles, int ColumnTiles>
HAETAE_AMX_BF16 void multiplyStrips(const GemmTile& tile, const float* c, int64_t cStride, float* y, int64_t yStride) {
  const int64_t cBytes = cStride * 4, yBytes = yStride * 4;
  if (c) {
    _tile_loadd(0, c, cBytes);
    if constexpr (ColumnTiles == 2) _tile_loadd(1, c + lanes, cBytes);
    if constexpr (RowTiles == 2) _tile_loadd(2, c + lanes * cStride, cBytes);
    if constexpr (RowTiles == 2 && ColumnTiles == 2) _tile_loadd(3, c + lanes * cStride + lanes, cBytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  const auto* a = static_cast<const uint8_t*>(tile.a);
  const auto* b = static_cast<const uint8_t*>(tile.b);
  for (int64_t k = 0; k < tile.depth; k += step) {
    loadA<RowTiles>(a);
    if constexpr (Parts == 2) {
      loadB<ColumnTiles>(b + ColumnTiles * tileBytes);
      multiplyTiles<RowTiles, ColumnTiles>();
    }
    loadB<ColumnTiles>(b);
    multiplyTiles<RowTiles, ColumnTiles>();
    if constexpr (Parts == 2) {
      loadA<RowTiles>(a + RowTiles * tileBytes);
      multiplyTiles<RowTiles, ColumnTiles>();
    }
    a += RowTiles * Parts * tileBytes;
    b += ColumnTiles * Parts * tileBytes;
  }
  _tile_stored(0, y, yBytes);
  if constexpr (ColumnTiles == 2) _tile_stored(1, y + lanes, yBytes);
  if constexpr (RowTiles == 2) _tile_stored(2, y + lanes * yStride, yBytes);
  if constexpr (RowTiles == 2 && ColumnTiles == 2) _tile_stored(3, y + lanes * yStride + lanes, yBytes);
}

HAETAE_AMX_BF16 void addSums(const GemmTile& tile, const float* sums) {
  for (int64_t i = 0; i < tile.rows; i++) {
    for (int64_t j = 0; j < tile.columns; j += lanes) {
      const __mmask16 mask = first(tile.columns - j);
      const int64_t at = i * tile.stride + j;
      const __m512 sum = _mm512_load_ps(sums + i * stripEdge + j);
      _mm512_mask_storeu_ps(tile.y + at, mask,
                            tile.c ? _mm512_add_ps(sum, _mm512_maskz_loadu_ps(mask, tile.c + at)) : sum);
    }
  }
}

template <int Parts>
void multiply(const GemmTile& tile) {
  using Multiply = void (*)(const GemmTile&, const float*, int64_t, float*, int64_t);
  static constexpr Multiply table[2][2] = {{multiplyStrips<Parts, 1, 1>, multiplyStrips<Parts, 1, 2>},
                                           {multiplyStrips<Parts, 2, 1>, multiplyStrips<Parts, 2, 2>}};
  const Multiply strips = table[tile.rows > lanes][tile.columns > lanes];
  if (tile.rows % lanes == 0 && tile.columns % lanes == 0) {
    strips(tile, tile.c, tile.stride, tile.y, tile.stride);
  } else {
    alignas(64) float sums[stripEdge * stripEdge];
    strips(tile, nullptr, 0, sums, stripEdge);
    addSums(tile, sums);
  }
}

template <int Parts>
const GemmKernel& kernel() {
  static const GemmKernel made{stripEdge, stripEdge, 512, step, 256, 2 * Parts, false, packA<Parts>, packB<Parts>, multiply<Parts>, begin, end};
  return made;
}

}  // namespace

const GemmKernel& amxGemm(int parts) { return parts == 1 ? kernel<1>() : kernel<2>(); }

}  // namespace haetae

#else

namespace haetae {
const GemmKernel& amxGemm(int) {
  static const GemmKernel none{};
  return none;
}
}  // namespace haetae

#endif
