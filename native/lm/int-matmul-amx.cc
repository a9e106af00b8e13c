// intMatMul by AMX tiles. One multiplication takes a block of 32 along k of 16 rows of W (as they lie, unpacked to
// bytes) and of 16 rows of x (turned so that four consecutive elements of a row are one lane):
//
//   C [16 n, 16 m] int32  =  A [16 n, 32 bytes] · B [8, 16 m, 4 bytes]        then  acc += C · scaleW[n] · scaleX[m]
//
// A panel of 16 rows of W is unpacked once for all rows of x; sums stay in sixteen registers.
#include "int-matmul-kernels.h"

#if defined(__x86_64__)

#include <algorithm>
#include <cstring>
#include <vector>

#include "quantise-block.h"
#include "transpose.h"

namespace haetae {
namespace {

constexpr int64_t tile = 16;

struct alignas(64) Line {
  uint8_t bytes[64];
};

/// Rows of x in tiles of `lanes`: 16, or 8 where there are no more.
struct Rows {
  int64_t lanes = tile;
  int64_t tiles = 0;
  int64_t blocks = 0;
  std::vector<Line> qLines;      // [tiles, blocks, 8, lanes] int32: lane m holds 4 bytes of row m
  std::vector<Line> scaleLines;  // [tiles, blocks, lanes] float

  void resize(int64_t m, int64_t blockCount) {
    lanes = m <= 8 ? 8 : tile;
    tiles = (m + lanes - 1) / lanes;
    blocks = blockCount;
    qLines.resize(static_cast<size_t>(tiles * blocks * 8));
    scaleLines.resize(static_cast<size_t>(tiles * blocks));
  }

  int32_t* q(int64_t index) { return reinterpret_cast<int32_t*>(qLines.data()) + index * blocks * 8 * lanes; }
  float* scales(int64_t index) { return reinterpret_cast<float*>(scaleLines.data()) + index * blocks * lanes; }
};

/// The rows of one tile. Absent rows are zero.
HAETAE_VNNI void quantiseTile(const float* x, int64_t m, int64_t k, int64_t index, int bits, Rows& rows) {
  const int64_t lanes = rows.lanes;
  for (int64_t b = 0; b < rows.blocks; b++) {
    for (int64_t i0 = 0; i0 < lanes; i0 += 8) {
      __m256i lanesOfRow[8];
      float* scales = rows.scales(index) + b * lanes + i0;
      for (int64_t i = 0; i < 8; i++) {
        const int64_t row = index * lanes + i0 + i;
        if (row < m) {
          const QuantisedBlock block = quantiseBlock(x + row * k + b * 32, bits == 4);
          lanesOfRow[i] = _mm256_set_m128i(block.second, block.first);
          scales[i] = block.scale;
        } else {
          lanesOfRow[i] = _mm256_setzero_si256();
          scales[i] = 0;
        }
      }
      transpose(lanesOfRow);
      int32_t* q = rows.q(index) + b * 8 * lanes + i0;
      for (int64_t j = 0; j < 8; j++)
        _mm256_store_si256(reinterpret_cast<__m256i*>(q + j * lanes), lanesOfRow[j]);
    }
  }
}

/// Tiles 0 to 3: sums [16, 4·lanes bytes]; 4, 5: W [16, 32 bytes]; 6, 7: x [8, 4·lanes bytes].
struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t startRow = 0;
  uint8_t reserved[14] = {};
  uint16_t bytesPerRow[16] = {};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 8, 8};

  explicit TileConfig(int64_t lanes) {
    const auto width = static_cast<uint16_t>(lanes * 4);
    const uint16_t widths[8] = {width, width, width, width, 32, 32, width, width};
    std::copy(widths, widths + 8, bytesPerRow);
  }
};

HAETAE_AMX inline __m512i loadSome(const uint8_t* at, int64_t left) {
  return left >= 64 ? _mm512_loadu_si512(at) : _mm512_maskz_loadu_epi8((1ull << left) - 1, at);
}

/// Two blocks of row i: 64 bytes to two places.
HAETAE_AMX inline void storeBlocks(int8_t* bytes, int64_t b, int64_t i, int64_t blocks, __m512i pair) {
  if (b < blocks)
    _mm256_store_si256(reinterpret_cast<__m256i*>(bytes + b * 512 + i * 32), _mm512_castsi512_si256(pair));
  if (b + 1 < blocks)
    _mm256_store_si256(reinterpret_cast<__m256i*>(bytes + (b + 1) * 512 + i * 32),
                       _mm512_extracti64x4_epi64(pair, 1));
}

/// The scales of a panel, turned: [blocks of 32, 16 rows]. `scales` has room for a multiple of 16 blocks.
HAETAE_AMX void unpackScales(const IntMatrix& w, int64_t n0, float* scales) {
  const int shift = __builtin_ctz(static_cast<unsigned>(w.block / 32));
  const int64_t stride = w.k / w.block;
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i spread = _mm512_srl_epi32(lane, _mm_cvtsi32_si128(shift));
  for (int64_t b = 0; b < w.k / 32; b += tile) {
    const int64_t left = std::min<int64_t>(tile >> shift, stride - (b >> shift));
    const auto mask = static_cast<__mmask16>((1u << left) - 1);
    __m512 rows[tile];
    for (int64_t i = 0; i < tile; i++) {
      rows[i] = n0 + i < w.n ? _mm512_permutexvar_ps(spread, _mm512_maskz_loadu_ps(
                                                                 mask, w.scales + (n0 + i) * stride + (b >> shift)))
                             : _mm512_setzero_ps();
    }
    transpose(rows);
    for (int64_t j = 0; j < tile; j++) _mm512_store_ps(scales + (b + j) * tile, rows[j]);
  }
}

/// 16 rows of W from n0 on as signed bytes [blocks, 16, 32], and their scales [blocks, 16]. Absent rows are
/// zero.
HAETAE_AMX void unpackPanel(const IntMatrix& w, int64_t n0, int8_t* bytes, float* scales) {
  const int64_t blocks = w.k / 32;
  const int64_t rowBytes = w.k * w.bits / 8;
  const __m512i low = _mm512_set1_epi8(0x0f);
  const __m512i eight = _mm512_set1_epi8(8);
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  const __m512i firstBlocks = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
  const __m512i lastBlocks = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
  for (int64_t i = 0; i < tile; i++) {
    if (n0 + i >= w.n) {
      for (int64_t b = 0; b < blocks; b++) std::memset(bytes + b * 512 + i * 32, 0, 32);
      continue;
    }
    const uint8_t* q = w.q + (n0 + i) * rowBytes;
    if (w.bits == 4) {
      for (int64_t b = 0; b < blocks; b += 4) {
        const __m512i packed = loadSome(q + b * 16, rowBytes - b * 16);
        const __m512i even = _mm512_and_si512(packed, low);
        const __m512i odd = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low);
        storeBlocks(bytes, b, i, blocks,
                    _mm512_sub_epi8(_mm512_permutex2var_epi64(even, firstBlocks, odd), eight));
        storeBlocks(bytes, b + 2, i, blocks,
                    _mm512_sub_epi8(_mm512_permutex2var_epi64(even, lastBlocks, odd), eight));
      }
    } else {
      for (int64_t b = 0; b < blocks; b += 2)
        storeBlocks(bytes, b, i, blocks, _mm512_xor_si512(loadSome(q + b * 32, rowBytes - b * 32), sign));
    }
  }
  unpackScales(w, n0, scales);
}

#define HAETAE_TILE_PRODUCT(C, A, B, block, lanes)                   \
  _tile_zero(C);                                               \
  _tile_loadd(A, bytes + (block) * 512, 32);                   \
  _tile_loadd(B, q + (block) * 8 * (lanes), (lanes) * 4);      \
  _tile_dpbssd(C, A, B);                                       \
  _tile_stored(C, sums[C], (lanes) * 4)

HAETAE_AMX inline void accumulate(const int32_t* sums, const float* wScales, const float* xScales, __m512* acc) {
  const __m512 xs = _mm512_loadu_ps(xScales);
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    const __m512 c = _mm512_cvtepi32_ps(_mm512_load_si512(sums + i * 16));
    acc[i] = _mm512_fmadd_ps(c, _mm512_mul_ps(xs, _mm512_set1_ps(wScales[i])), acc[i]);
  }
}

/// The same for eight rows of x: a vector holds two rows of W.
HAETAE_AMX inline void accumulatePairs(const int32_t* sums, const float* wScales, const float* xScales, __m512* acc) {
  const __m512 xs = _mm512_broadcast_f32x8(_mm256_loadu_ps(xScales));
  const __m512 ws = _mm512_load_ps(wScales);
  const __m512i two = _mm512_set1_epi32(2);
  __m512i pair = _mm512_set_epi32(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
#pragma GCC unroll 8
  for (int i = 0; i < 8; i++) {
    const __m512 c = _mm512_cvtepi32_ps(_mm512_load_si512(sums + i * 16));
    acc[i] = _mm512_fmadd_ps(c, _mm512_mul_ps(xs, _mm512_permutexvar_ps(pair, ws)), acc[i]);
    pair = _mm512_add_epi32(pair, two);
  }
}

/// Eight vectors of two rows become sixteen of one.
HAETAE_AMX inline void splitPairs(__m512* acc) {
  for (int i = 7; i >= 0; i--) {
    const __m512 both = acc[i];
    acc[2 * i] = _mm512_maskz_mov_ps(0x00ff, both);
    acc[2 * i + 1] = _mm512_maskz_shuffle_f32x4(0x00ff, both, both, 0xee);
  }
}

/// Turns sums [16 n, 16 m] and writes them to rows `index`·16 … of the result.
HAETAE_AMX inline void storeTile(__m512* acc, int64_t index, int64_t m, const IntMatrix& w, const float* bias, float* out,
                                 int64_t n0) {
  transpose(acc);
  const int64_t columns = std::min(tile, w.n - n0);
  const __mmask16 mask = static_cast<__mmask16>((1u << columns) - 1);
  const __m512 offset = bias ? _mm512_maskz_loadu_ps(mask, bias + n0) : _mm512_setzero_ps();
  const int64_t valid = std::min(tile, m - index * tile);
  for (int64_t i = 0; i < valid; i++)
    _mm512_mask_storeu_ps(out + (index * tile + i) * w.n + n0, mask, _mm512_add_ps(acc[i], offset));
}

/// One tile of the result: rows of x from `index`·16 on, rows of W from n0 on.
HAETAE_AMX void multiplyTile(Rows& rows, int64_t index, int64_t m, const int8_t* bytes, const float* wScales,
                             const IntMatrix& w, const float* bias, float* out, int64_t n0) {
  alignas(64) int32_t sums[4][256];
  const int64_t blocks = rows.blocks;
  const int32_t* q = rows.q(index);
  const float* xScales = rows.scales(index);
  __m512 acc[16];
  for (auto& a : acc) a = _mm512_setzero_ps();
  int64_t b = 0;
  if (blocks >= 4) {
    // Two blocks are multiplied while the two before them are scaled.
    HAETAE_TILE_PRODUCT(0, 4, 6, 0, tile);
    HAETAE_TILE_PRODUCT(1, 5, 7, 1, tile);
    for (; b + 4 <= blocks; b += 4) {
      HAETAE_TILE_PRODUCT(2, 4, 6, b + 2, tile);
      HAETAE_TILE_PRODUCT(3, 5, 7, b + 3, tile);
      accumulate(sums[0], wScales + b * tile, xScales + b * tile, acc);
      accumulate(sums[1], wScales + (b + 1) * tile, xScales + (b + 1) * tile, acc);
      if (b + 8 <= blocks) {
        HAETAE_TILE_PRODUCT(0, 4, 6, b + 4, tile);
        HAETAE_TILE_PRODUCT(1, 5, 7, b + 5, tile);
      }
      accumulate(sums[2], wScales + (b + 2) * tile, xScales + (b + 2) * tile, acc);
      accumulate(sums[3], wScales + (b + 3) * tile, xScales + (b + 3) * tile, acc);
    }
  }
  for (; b < blocks; b++) {
    HAETAE_TILE_PRODUCT(0, 4, 6, b, tile);
    accumulate(sums[0], wScales + b * tile, xScales + b * tile, acc);
  }
  storeTile(acc, index, m, w, bias, out, n0);
}
/// Four blocks of a panel (two for 8 bits) as signed bytes [blocks, 16, 32]; asks for the next panel's meanwhile.
template <int Bits>
HAETAE_AMX inline void unpackBlocks(const uint8_t* q, int64_t rowBytes, int64_t left, int64_t rowCount, int8_t* bytes) {
  const __m512i low = _mm512_set1_epi8(0x0f);
  const __m512i eight = _mm512_set1_epi8(8);
  const __m512i sign = _mm512_set1_epi8(static_cast<char>(0x80));
  const __m512i firstBlocks = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0);
  const __m512i lastBlocks = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
  for (int64_t i = 0; i < rowCount; i++) {
    const uint8_t* at = q + i * rowBytes;
    _mm_prefetch(reinterpret_cast<const char*>(at) + tile * rowBytes, _MM_HINT_T1);
    const __m512i packed = loadSome(at, left);
    if constexpr (Bits == 4) {
      const __m512i even = _mm512_and_si512(packed, low);
      const __m512i odd = _mm512_and_si512(_mm512_srli_epi16(packed, 4), low);
      storeBlocks(bytes, 0, i, 4, _mm512_sub_epi8(_mm512_permutex2var_epi64(even, firstBlocks, odd), eight));
      storeBlocks(bytes, 2, i, 4, _mm512_sub_epi8(_mm512_permutex2var_epi64(even, lastBlocks, odd), eight));
    } else {
      storeBlocks(bytes, 0, i, 2, _mm512_xor_si512(packed, sign));
    }
  }
}

/// Panels against at most 16 rows of x: each group of blocks is unpacked just before it is multiplied.
template <int Bits, int Lanes>
HAETAE_AMX void multiplyNarrow(Rows& rows, int64_t m, const IntMatrix& w, const float* bias, float* out,
                               int64_t panel0, int64_t panel1) {
  constexpr int64_t group = Bits == 4 ? 4 : 2;
  static thread_local std::vector<Line> scaleLines;
  scaleLines.resize(static_cast<size_t>((rows.blocks + tile - 1) / tile * tile));
  auto* const wScales = reinterpret_cast<float*>(scaleLines.data());
  alignas(64) int8_t unpacked[2][group * 512] = {};
  alignas(64) int32_t sums[4][256];
  const int64_t rowBytes = rows.blocks * Bits * 4;
  const float* xScales = rows.scales(0);
  const TileConfig config(Lanes);
  _tile_loadconfig(&config);
  for (int64_t panel = panel0; panel < panel1; panel++) {
    const int64_t n0 = panel * tile;
    const uint8_t* panelBytes = w.q + n0 * rowBytes;
    const int64_t rowCount = std::min(tile, w.n - n0);
    if (rowCount < tile) std::memset(unpacked, 0, sizeof(unpacked));
    unpackScales(w, n0, wScales);
    for (int64_t at = 0; at < rows.blocks * tile; at += tile)
      _mm_prefetch(reinterpret_cast<const char*>(w.scales + (n0 + tile) * (w.k / w.block) + at), _MM_HINT_T1);
    __m512 acc[16];  // 16 rows of 16, or 8 pairs of rows of 8
    for (auto& a : acc) a = _mm512_setzero_ps();
    unpackBlocks<Bits>(panelBytes, rowBytes, rowBytes, rowCount, unpacked[0]);
    for (int64_t b = 0, turn = 0; b < rows.blocks; b += group, turn ^= 1) {
      const int8_t* bytes = unpacked[turn];
      const int32_t* q = rows.q(0) + b * 8 * Lanes;
      const int64_t here = std::min(group, rows.blocks - b);
      const int64_t next = (b + group) * Bits * 4;
      const auto unpackNext = [&]() __attribute__((always_inline)) {
        if (next < rowBytes)
          unpackBlocks<Bits>(panelBytes + next, rowBytes, rowBytes - next, rowCount, unpacked[turn ^ 1]);
      };
      const auto scale = [&](int64_t j) __attribute__((always_inline)) {
        const float* xs = xScales + (b + j) * Lanes;
        if constexpr (Lanes == 8) accumulatePairs(sums[j], wScales + (b + j) * tile, xs, acc);
        else accumulate(sums[j], wScales + (b + j) * tile, xs, acc);
      };
      if (here == 4) {
        HAETAE_TILE_PRODUCT(0, 4, 6, 0, Lanes);
        HAETAE_TILE_PRODUCT(1, 5, 7, 1, Lanes);
        HAETAE_TILE_PRODUCT(2, 4, 6, 2, Lanes);
        HAETAE_TILE_PRODUCT(3, 5, 7, 3, Lanes);
        unpackNext();
        scale(0);
        scale(1);
        scale(2);
        scale(3);
      } else {
        HAETAE_TILE_PRODUCT(0, 4, 6, 0, Lanes);
        if (here > 1) { HAETAE_TILE_PRODUCT(1, 5, 7, 1, Lanes); }
        if (here > 2) { HAETAE_TILE_PRODUCT(2, 4, 6, 2, Lanes); }
        unpackNext();
        for (int64_t j = 0; j < here; j++) scale(j);
      }
    }
    if constexpr (Lanes == 8) splitPairs(acc);
    storeTile(acc, 0, m, w, bias, out, n0);
  }
  _tile_release();
}

#undef HAETAE_TILE_PRODUCT

HAETAE_AMX void multiplyPanels(Rows& rows, int64_t m, const IntMatrix& w, const float* bias, float* out,
                               int64_t panel0, int64_t panel1) {
  static thread_local std::vector<Line> bytes, scales;  // whole cache lines, as tiles and stores want them
  bytes.resize(static_cast<size_t>(rows.blocks * 512) / sizeof(Line));
  scales.resize(static_cast<size_t>((rows.blocks + tile - 1) / tile * tile));
  auto* const w8 = reinterpret_cast<int8_t*>(bytes.data());
  auto* const wScales = reinterpret_cast<float*>(scales.data());
  const TileConfig config(tile);
  _tile_loadconfig(&config);
  for (int64_t panel = panel0; panel < panel1; panel++) {
    unpackPanel(w, panel * tile, w8, wScales);
    for (int64_t index = 0; index < rows.tiles; index++)
      multiplyTile(rows, index, m, w8, wScales, w, bias, out, panel * tile);
  }
  _tile_release();
}

}  // namespace

void amxMatMul(const float* x, int64_t m, const IntMatrix& w, const float* bias, float* out, int threads,
               const ParallelFor& parallelFor) {
  static thread_local Rows mine;
  Rows& rows = mine;  // the caller's, also inside the pieces that other threads do
  rows.resize(m, w.k / 32);
  if (rows.tiles == 1) {
    quantiseTile(x, m, w.k, 0, w.bits, rows);
  } else {
    parallelFor(static_cast<size_t>(rows.tiles), [&](size_t i) {
      quantiseTile(x, m, w.k, static_cast<int64_t>(i), w.bits, rows);
    });
  }
  const Pieces pieces = cut((w.n + tile - 1) / tile, threads, 4);
  parallelFor(pieces.count, [&](size_t i) {
    const auto narrow = rows.lanes == 8 ? (w.bits == 4 ? multiplyNarrow<4, 8> : multiplyNarrow<8, 8>)
                                        : (w.bits == 4 ? multiplyNarrow<4, tile> : multiplyNarrow<8, tile>);
    const auto multiply = rows.tiles > 1 ? multiplyPanels : narrow;
    multiply(rows, m, w, bias, out, pieces.begin(i), pieces.begin(i + 1));
  });
}

}  // namespace haetae

#else

namespace haetae {
void amxMatMul(const float*, int64_t, const IntMatrix&, const float*, float*, int, const ParallelFor&) {}
}  // namespace haetae

#endif
