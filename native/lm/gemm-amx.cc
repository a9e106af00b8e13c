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

/// Rows of a tile: as they come, or turned when all sixteen are there.
template <bool Turned>
struct TileRows {
  uint8_t* to;
  __m512i rows[Turned ? lanes : 1];

  HAETAE_AMX_BF16 inline __attribute__((always_inline)) void put(int64_t i, __m512i row) {
    if constexpr (Turned) rows[i] = row;
    else _mm512_store_si512(to + i * 64, row);
  }

  HAETAE_AMX_BF16 inline __attribute__((always_inline)) void finish() {
    if constexpr (Turned) {
      transpose(reinterpret_cast<__m512*>(rows));
      for (int64_t i = 0; i < lanes; i++) _mm512_store_si512(to + i * 64, rows[i]);
    }
  }
};

/// 16 lines (rows of A, columns of B) by 32 along k as one tile of rounded elements and, if Split, one of what
/// rounding left. Line l, element k: from[l·stride + k] if AlongK, else from[k·stride + l].
/// IsA: a row of the tile is a line, and elements are multiplied by `factor`; else a row is a pair along k.
/// Whole: there are 16 lines and 32 along k; else what is absent is 0.
template <bool AlongK, bool IsA, bool Split, bool Whole>
HAETAE_AMX_BF16 void packTile(const float* from, int64_t stride, int64_t lines, int64_t depth, float factor,
                              uint8_t* high, uint8_t* low) {
  const __m512 by = _mm512_set1_ps(factor);
  const __m512i zip = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21,
                                       5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  TileRows<AlongK != IsA> rounded{high, {}}, left{low, {}};
#pragma GCC unroll 16
  for (int64_t i = 0; i < lanes; i++) {
    const float* first16 = from + (AlongK ? i : 2 * i) * stride;
    const float* last16 = first16 + (AlongK ? lanes : stride);
    __m512 x0, x1;
    if constexpr (Whole) {
      x0 = _mm512_loadu_ps(first16);
      x1 = _mm512_loadu_ps(last16);
    } else {
      const __mmask16 mask0 = AlongK ? (i < lines ? first(depth) : 0) : (2 * i < depth ? first(lines) : 0);
      const __mmask16 mask1 = AlongK ? (i < lines ? first(depth - lanes) : 0) : (2 * i + 1 < depth ? first(lines) : 0);
      x0 = mask0 ? _mm512_maskz_loadu_ps(mask0, first16) : _mm512_setzero_ps();
      x1 = mask1 ? _mm512_maskz_loadu_ps(mask1, last16) : _mm512_setzero_ps();
    }
    if constexpr (IsA) {
      x0 = _mm512_mul_ps(x0, by);
      x1 = _mm512_mul_ps(x1, by);
    }
    const __m512i both = roundBoth(x1, x0);
    rounded.put(i, AlongK ? both : _mm512_permutexvar_epi16(zip, both));
    if constexpr (Split) {
      const __m512i rest = roundBoth(_mm512_sub_ps(x1, widen(_mm512_extracti64x4_epi64(both, 1))),
                                     _mm512_sub_ps(x0, widen(_mm512_castsi512_si256(both))));
      left.put(i, AlongK ? rest : _mm512_permutexvar_epi16(zip, rest));
    }
  }
  rounded.finish();
  if constexpr (Split) left.finish();
}

/// Strips of two tiles of lines; a last one of one tile if there are no more.
template <bool AlongK, bool IsA, int Parts>
HAETAE_AMX_BF16 void packStrips(const float* from, int64_t stride, int64_t lines, int64_t depth, float factor,
                                uint8_t* to) {
  const int64_t steps = (depth + step - 1) / step;
  for (int64_t k = 0; k < depth; k += step) {
    uint8_t* strip = to;
    for (int64_t line = 0; line < lines; line += stripEdge) {
      const int64_t tiles = lines - line > lanes ? 2 : 1;
      uint8_t* high = strip + k / step * tiles * Parts * tileBytes;
      for (int64_t t = 0; t < tiles; t++, high += tileBytes) {
        const int64_t at = line + t * lanes;
        const int64_t there = std::min(lines - at, lanes), deep = std::min(step, depth - k);
        const auto pack = there == lanes && deep == step ? packTile<AlongK, IsA, Parts == 2, true>
                                                         : packTile<AlongK, IsA, Parts == 2, false>;
        pack(from + (AlongK ? at * stride + k : k * stride + at), stride, there, deep, factor, high,
             high + tiles * tileBytes);
      }
      strip += steps * 2 * Parts * tileBytes;
    }
  }
}

template <int Parts>
void packA(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth, void* to) {
  auto* packed = static_cast<uint8_t*>(to);
  if (g.transA) packStrips<false, true, Parts>(g.a + k * g.m + row, g.m, rows, depth, g.alpha, packed);
  else packStrips<true, true, Parts>(g.a + row * g.k + k, g.k, rows, depth, g.alpha, packed);
}

template <int Parts>
void packB(const Gemm& g, int64_t column, int64_t columns, int64_t k, int64_t depth, void* to) {
  auto* packed = static_cast<uint8_t*>(to);
  if (g.transB) packStrips<true, false, Parts>(g.b + column * g.k + k, g.k, columns, depth, 1.0f, packed);
  else packStrips<false, false, Parts>(g.b + k * g.n + column, g.n, columns, depth, 1.0f, packed);
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
  static const GemmKernel only = [] {
    GemmKernel made{};
    made.rows = stripEdge;
    made.columns = stripEdge;
    made.panelColumns = 1024;
    made.depth = 512;
    made.step = step;
    made.blockRows = 256;
    made.bytes = 2 * Parts;
    made.packA = packA<Parts>;
    made.packB = packB<Parts>;
    made.multiply = multiply<Parts>;
    made.begin = begin;
    made.end = end;
    return made;
  }();
  return only;
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
