// intMatMul along k with AVX-512 VNNI: 64 bytes of weights at a time against the same 64 (8 bits) or 128 (4 bits)
// elements of up to four rows of x.
//
// vpdpbusd multiplies unsigned weights by signed x; the zero point is taken off by starting each block's sum at
// −zero · Σ x. Four lanes hold one block (eight for 8 bits), so one permutation spreads sixteen blocks' scales.
#include "int-matmul-kernels.h"

#if defined(__x86_64__)

#include <algorithm>
#include <vector>

#include "quantise-block.h"

namespace haetae {
namespace {

/// Rows of x for this kernel; blocks padded with empty ones to a multiple of 16.
struct Rows {
  int64_t stride = 0;           // blocks of a row
  std::vector<int8_t> q;        // [m, stride·32]; 4 bits: by groups of 4 blocks, 64 even elements, then 64 odd
  std::vector<float> scales;    // [m, stride]
  std::vector<int32_t> starts;  // [m, stride·lanesPerBlock]: −zero · Σ x in the first lane of each block

  void resize(int64_t m, int64_t blocks, int lanesPerBlock) {
    stride = (blocks + 15) / 16 * 16;
    q.assign(static_cast<size_t>(m * stride * 32), 0);
    scales.assign(static_cast<size_t>(m * stride), 0);
    starts.assign(static_cast<size_t>(m * stride * lanesPerBlock), 0);
  }
};

HAETAE_VNNI void quantiseRow(const float* x, int64_t row, int64_t blocks, int bits, Rows& rows) {
  int8_t* q = rows.q.data() + row * rows.stride * 32;
  const int lanes = bits == 4 ? 4 : 8;
  const int zero = 1 << (bits - 1);
  for (int64_t b = 0; b < blocks; b++) {
    const QuantisedBlock block = quantiseBlock(x + b * 32, bits == 4);
    int8_t* first = bits == 4 ? q + b / 4 * 128 + b % 4 * 16 : q + b * 32;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(first), block.first);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(first + (bits == 4 ? 64 : 16)), block.second);
    rows.scales[static_cast<size_t>(row * rows.stride + b)] = block.scale;
    rows.starts[static_cast<size_t>((row * rows.stride + b) * lanes)] = -zero * block.sum;
  }
}

/// The scales of sixteen blocks of 32 from `first` on, of which `valid` exist; `shift` = log2(block / 32).
HAETAE_VNNI inline __m512 blockScales(const float* scales, int64_t first, int valid, int shift, __m512i spread) {
  const int wanted = valid >= 16 ? 16 >> shift : (valid + (1 << shift) - 1) >> shift;
  const __mmask16 mask = static_cast<__mmask16>((1u << (wanted > 0 ? wanted : 1)) - 1);
  const __m512 loaded = _mm512_maskz_loadu_ps(mask, scales + (first >> shift));
  return shift == 0 ? loaded : _mm512_permutexvar_ps(spread, loaded);
}

template <int M, int Bits>
HAETAE_VNNI void multiply(const Rows& rows, int64_t row0, const IntMatrix& w, const float* bias, float* out,
                          int64_t n0, int64_t n1) {
  constexpr int groups = Bits == 4 ? 4 : 8;       // of 64 bytes, in sixteen blocks
  constexpr int lanesPerBlock = Bits == 4 ? 4 : 8;
  constexpr int bytesPerBlock = Bits * 4;
  const int64_t blocks = w.k / 32;
  const int64_t rowBytes = blocks * bytesPerBlock;
  const int shift = __builtin_ctz(static_cast<unsigned>(w.block / 32));
  const int64_t scaleStride = w.k / w.block;
  const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i spread = _mm512_srl_epi32(lane, _mm_cvtsi32_si128(shift));
  const __m512i blockOfLane = _mm512_srli_epi32(lane, Bits == 4 ? 2 : 3);
  const __m512i low = _mm512_set1_epi8(0x0f);
  const int8_t* xq[M];
  const float* xs[M];
  const int32_t* xstart[M];
  for (int i = 0; i < M; i++) {
    xq[i] = rows.q.data() + (row0 + i) * rows.stride * 32;
    xs[i] = rows.scales.data() + (row0 + i) * rows.stride;
    xstart[i] = rows.starts.data() + (row0 + i) * rows.stride * lanesPerBlock;
  }
  for (int64_t n = n0; n < n1; n++) {
    const uint8_t* q = w.q + n * rowBytes;
    const float* scales = w.scales + n * scaleStride;
    __m512 sum[M][2];
    for (int i = 0; i < M; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (int64_t b = 0; b < blocks; b += 16) {
      const int valid = static_cast<int>(std::min<int64_t>(16, blocks - b));
      const __m512 ws = blockScales(scales, b, valid, shift, spread);
      __m512 s[M];
      for (int i = 0; i < M; i++) s[i] = _mm512_mul_ps(ws, _mm512_loadu_ps(xs[i] + b));
      const int64_t left = rowBytes - b * bytesPerBlock;
#pragma GCC unroll 8
      for (int g = 0; g < groups; g++) {
        const int64_t bytes = left - g * 64;
        if (bytes <= 0) break;
        const uint8_t* at = q + b * bytesPerBlock + g * 64;
        const __m512i packed =
            bytes >= 64 ? _mm512_loadu_si512(at)
                        : _mm512_maskz_loadu_epi8((1ull << bytes) - 1, at);
        _mm_prefetch(reinterpret_cast<const char*>(at) + 1024, _MM_HINT_T0);
        const __m512i at16 = _mm512_add_epi32(blockOfLane, _mm512_set1_epi32(g * (16 / groups)));
        for (int i = 0; i < M; i++) {
          const int64_t group = b / (16 / groups) + g;
          __m512i dot = _mm512_loadu_si512(xstart[i] + group * 16);
          if constexpr (Bits == 4) {
            const int8_t* x = xq[i] + group * 128;
            dot = _mm512_dpbusd_epi32(dot, _mm512_and_si512(packed, low), _mm512_loadu_si512(x));
            dot = _mm512_dpbusd_epi32(dot, _mm512_and_si512(_mm512_srli_epi16(packed, 4), low),
                                      _mm512_loadu_si512(x + 64));
          } else {
            dot = _mm512_dpbusd_epi32(dot, packed, _mm512_loadu_si512(xq[i] + group * 64));
          }
          sum[i][g & 1] =
              _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), _mm512_permutexvar_ps(at16, s[i]), sum[i][g & 1]);
        }
      }
    }
    for (int i = 0; i < M; i++) {
      const float total = _mm512_reduce_add_ps(_mm512_add_ps(sum[i][0], sum[i][1]));
      out[(row0 + i) * w.n + n] = bias ? total + bias[n] : total;
    }
  }
}

template <int Bits>
void multiplyRows(const Rows& rows, int64_t m, const IntMatrix& w, const float* bias, float* out, int64_t n0,
                  int64_t n1) {
  // Some rows of W, which stay in the cache, against all rows of x.
  constexpr int64_t panel = 16;
  for (int64_t n = n0; n < n1; n += panel) {
    const int64_t end = std::min(n + panel, n1);
    int64_t row = 0;
    for (; row + 4 <= m; row += 4) multiply<4, Bits>(rows, row, w, bias, out, n, end);
    if (m - row == 3) multiply<3, Bits>(rows, row, w, bias, out, n, end);
    if (m - row == 2) multiply<2, Bits>(rows, row, w, bias, out, n, end);
    if (m - row == 1) multiply<1, Bits>(rows, row, w, bias, out, n, end);
  }
}

}  // namespace

void vnniMatMul(const float* x, int64_t m, const IntMatrix& w, const float* bias, float* out, int threads,
                const ParallelFor& parallelFor) {
  static thread_local Rows rows;
  Rows& quantised = rows;  // the caller's, also inside the pieces that other threads do
  const int64_t blocks = w.k / 32;
  quantised.resize(m, blocks, w.bits == 4 ? 4 : 8);
  const Pieces rowPieces = m >= 8 ? cut(m, threads, 2) : Pieces{m, 1};
  const auto quantise = [&](size_t i) {
    for (int64_t row = rowPieces.begin(i); row < rowPieces.begin(i + 1); row++)
      quantiseRow(x + row * w.k, row, blocks, w.bits, quantised);
  };
  if (rowPieces.count == 1) quantise(0);
  else parallelFor(rowPieces.count, quantise);
  const Pieces pieces = cut(w.n, threads, 4);
  parallelFor(pieces.count, [&](size_t i) {
    if (w.bits == 4) multiplyRows<4>(quantised, m, w, bias, out, pieces.begin(i), pieces.begin(i + 1));
    else multiplyRows<8>(quantised, m, w, bias, out, pieces.begin(i), pieces.begin(i + 1));
  });
}

}  // namespace haetae

#else

namespace haetae {
void vnniMatMul(const float*, int64_t, const IntMatrix&, const float*, float*, int, const ParallelFor&) {}
}  // namespace haetae

#endif
