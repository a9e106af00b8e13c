// What both directions of causal attention are made of: small products whose operands are in cache, operands in the
// order these want them, and rotation.
//
// A product C[m, n] (+)= Σ_k A[m, k] · B[k, n] keeps a tile of 6 rows by 64 columns in 24 registers: a step of k
// loads four vectors of B and six numbers of A for 24 multiplications. A may lie either way round (it is read number
// by number); B lies along n, so keys and values are also kept transposed, in panels of 64 positions.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "causal-attention.h"
#include "cpu.h"
#include "training-lanes.h"
#include "transpose.h"

namespace haetae::causal {

constexpr int64_t tileRows = 6;
/// Positions of a block of keys, and columns of a tile: four vectors.
constexpr int64_t block = 64;
/// How far ahead rows of a head are asked for.
constexpr int64_t rowsAhead = 8;

/// A matrix of which element (i, k) is at[i·row + k·step].
struct Left {
  const float* at;
  int64_t row, step;
};

template <int Rows, int Vectors, bool Add>
HAETAE_AVX512 inline void tile(Left a, const float* b, int64_t bStep, int64_t depth, float* c, int64_t cRow) {
  __m512 sum[Rows][Vectors];
#pragma GCC unroll 6
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++)
      sum[i][j] = Add ? _mm512_loadu_ps(c + i * cRow + j * lanes) : _mm512_setzero_ps();
  for (int64_t k = 0; k < depth; k++) {
    __m512 right[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) right[j] = _mm512_loadu_ps(b + k * bStep + j * lanes);
#pragma GCC unroll 6
    for (int i = 0; i < Rows; i++) {
      const __m512 left = _mm512_set1_ps(a.at[i * a.row + k * a.step]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) sum[i][j] = _mm512_fmadd_ps(left, right[j], sum[i][j]);
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) _mm512_storeu_ps(c + i * cRow + j * lanes, sum[i][j]);
}

template <int Rows, bool Add>
HAETAE_AVX512 inline void tileOfRows(Left a, const float* b, int64_t bStep, int64_t depth, float* c, int64_t cRow,
                                     int64_t vectors) {
  switch (vectors) {
    case 4: return tile<Rows, 4, Add>(a, b, bStep, depth, c, cRow);
    case 3: return tile<Rows, 3, Add>(a, b, bStep, depth, c, cRow);
    case 2: return tile<Rows, 2, Add>(a, b, bStep, depth, c, cRow);
    default: return tile<Rows, 1, Add>(a, b, bStep, depth, c, cRow);
  }
}

/// C of `rows` (1 … 6) by `vectors`·16 (1 … 4) columns.
template <bool Add>
HAETAE_AVX512 inline void multiplyTile(Left a, const float* b, int64_t bStep, int64_t depth, float* c, int64_t cRow,
                                       int64_t rows, int64_t vectors) {
  switch (rows) {
    case 6: return tileOfRows<6, Add>(a, b, bStep, depth, c, cRow, vectors);
    case 5: return tileOfRows<5, Add>(a, b, bStep, depth, c, cRow, vectors);
    case 4: return tileOfRows<4, Add>(a, b, bStep, depth, c, cRow, vectors);
    case 3: return tileOfRows<3, Add>(a, b, bStep, depth, c, cRow, vectors);
    case 2: return tileOfRows<2, Add>(a, b, bStep, depth, c, cRow, vectors);
    default: return tileOfRows<1, Add>(a, b, bStep, depth, c, cRow, vectors);
  }
}

/// C[rows, columns] += A · B for up to six rows and columns a multiple of 16.
HAETAE_AVX512 inline void addProduct(Left a, const float* b, int64_t depth, float* c, int64_t rows, int64_t columns) {
  for (int64_t n = 0; n < columns; n += block)
    multiplyTile<true>(a, b + n, columns, depth, c + n, columns, rows, std::min(block, columns - n) / lanes);
}

/// Transposes 16 × 16 numbers; `rows` (≤ 16) of x exist, the others count as zero.
HAETAE_AVX512 inline void transposeTile(const float* x, int64_t xRow, int64_t rows, float* out, int64_t outRow) {
  __m512 r[16];
  for (int i = 0; i < 16; i++) r[i] = i < rows ? _mm512_loadu_ps(x + i * xRow) : _mm512_setzero_ps();
  transpose(r);
  for (int i = 0; i < 16; i++) _mm512_storeu_ps(out + i * outRow, r[i]);
}

/// Rows of a head lie too far apart for the processor to foresee them: asks for one that is wanted in a few rows' time.
HAETAE_AVX512 inline void prefetchHead(const float* x, int64_t headDim) {
  for (int64_t d = 0; d < headDim; d += lanes) _mm_prefetch(reinterpret_cast<const char*>(x + d), _MM_HINT_T0);
}

/// x [length, headDim], rows `stride` apart, as panels [⌈length/64⌉][headDim][64] of its transpose; zero behind the end.
HAETAE_AVX512 inline void packTransposed(const float* x, int64_t stride, int64_t length, int64_t headDim,
                                         float* panels) {
  for (int64_t j = 0; j < (length + block - 1) / block * block; j += lanes) {
    for (int64_t i = j + lanes; i < std::min(j + 2 * lanes, length); i++) prefetchHead(x + i * stride, headDim);
    for (int64_t d = 0; d < headDim; d += lanes)
      transposeTile(x + std::min(j, length - 1) * stride + d, stride, std::clamp<int64_t>(length - j, 0, lanes),
                    panels + (j / block * headDim + d) * block + j % block, block);
  }
}

/// out = factor · R(position) x: the halves of each head turned by its angles; with `sign` −1, by Rᵀ.
HAETAE_AVX512 inline void rotate(const float* x, const float* cosines, const float* sines, int64_t headDim,
                                 float factor, float sign, float* out) {
  const int64_t half = headDim / 2;  // a multiple of 8
  const __m512 f = _mm512_set1_ps(factor), s = _mm512_set1_ps(factor * sign);
  for (int64_t d = 0; d < half; d += lanes) {
    const __mmask16 mask = half - d >= lanes ? 0xffff : 0x00ff;
    const __m512 first = _mm512_maskz_loadu_ps(mask, x + d), second = _mm512_maskz_loadu_ps(mask, x + half + d);
    const __m512 cosine = _mm512_mul_ps(f, _mm512_maskz_loadu_ps(mask, cosines + d));
    const __m512 sine = _mm512_mul_ps(s, _mm512_maskz_loadu_ps(mask, sines + d));
    _mm512_mask_storeu_ps(out + d, mask, _mm512_fmsub_ps(first, cosine, _mm512_mul_ps(second, sine)));
    _mm512_mask_storeu_ps(out + half + d, mask, _mm512_fmadd_ps(second, cosine, _mm512_mul_ps(first, sine)));
  }
}

/// out [length, headDim] = factor · R x of one head whose tokens lie `stride` apart.
HAETAE_AVX512 inline void rotateHead(const CausalAttention& a, const float* x, int64_t stride, float factor,
                                     float* out) {
  for (int64_t i = 0; i < a.length; i++) {
    prefetchHead(x + std::min(i + rowsAhead, a.length - 1) * stride, a.headDim);
    rotate(x + i * stride, a.cosines + i * (a.headDim / 2), a.sines + i * (a.headDim / 2), a.headDim, factor, 1.0f,
           out + i * a.headDim);
  }
}

HAETAE_AVX512 inline void copyRow(const float* x, int64_t headDim, float* out) {
  for (int64_t d = 0; d < headDim; d += lanes) _mm512_storeu_ps(out + d, _mm512_loadu_ps(x + d));
}

HAETAE_AVX512 inline void copyHead(const float* x, int64_t stride, int64_t length, int64_t headDim, float* out) {
  for (int64_t i = 0; i < length; i++) {
    prefetchHead(x + std::min(i + rowsAhead, length - 1) * stride, headDim);
    copyRow(x + i * stride, headDim, out + i * headDim);
  }
}

/// The first position that token i of a row sees.
inline int64_t firstVisible(const CausalAttention& a, int64_t row, int64_t i) {
  const int64_t from = a.visibleFrom[row * a.length + i];
  return a.window > 0 ? std::max(from, i - a.window + 1) : from;
}

/// Memory of a thread that grows to what was wanted most, cut into aligned arrays one after another.
class Scratch {
 public:
  /// Room for all the arrays of one piece of work; forgets what was there.
  void reserve(int64_t floats) {
    used_ = 0;
    if (floats <= size_) return;
    size_ = (floats + lanes - 1) / lanes * lanes;
    memory_.reset();
    memory_.reset(static_cast<float*>(std::aligned_alloc(64, static_cast<size_t>(size_) * sizeof(float))));
    if (!memory_) {
      size_ = 0;
      throw std::bad_alloc();
    }
  }
  float* take(int64_t floats) {
    float* const at = memory_.get() + used_;
    used_ += rounded(floats);
    return at;
  }
  static int64_t rounded(int64_t floats) { return (floats + lanes - 1) / lanes * lanes; }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::unique_ptr<float, Free> memory_;
  int64_t size_ = 0, used_ = 0;
};

}  // namespace haetae::causal
