// Scores of four rows of q against four keys are sixteen sums over the head's dimensions; a tree of shuffles turns
// their lanes into one vector of sixteen scores. Heads that share keys, and neighbouring tokens, are such rows, so
// one token of a grouped-query model fills them too.
#include "attention.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "exponential.h"
#include "int-matmul-kernels.h"

namespace haetae {
namespace {

constexpr int lanes = 16;
constexpr int block = 4;  // rows of q, and keys, that are multiplied at once
constexpr int64_t ahead = 512;  // floats of keys or values that are asked for before their turn

HAETAE_AVX512 inline __m512 pairSums(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
}

HAETAE_AVX512 inline __m512 quadSums(__m512 a, __m512 b) {
  const __m512d x = _mm512_castps_pd(a), y = _mm512_castps_pd(b);
  return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(x, y)), _mm512_castpd_ps(_mm512_unpackhi_pd(x, y)));
}

HAETAE_AVX512 inline __m512 laneSums(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}

/// The sums of sixteen vectors as one vector.
HAETAE_AVX512 inline __m512 sums(const __m512* r) {
  __m512 quads[4];
  for (int i = 0; i < 4; i++)
    quads[i] = quadSums(pairSums(r[4 * i], r[4 * i + 1]), pairSums(r[4 * i + 2], r[4 * i + 3]));
  return laneSums(laneSums(quads[0], quads[1]), laneSums(quads[2], quads[3]));
}

/// scores[i·stride + j] = q[i] · keys[j] for four rows and `count` keys; writes up to a multiple of four keys.
HAETAE_AVX512 void multiplyKeys(const float* const* q, const float* keys, int64_t headDim, int64_t count,
                                float* scores, int64_t stride) {
  for (int64_t j = 0; j < count; j += block) {
    const float* k[block];
    for (int i = 0; i < block; i++) k[i] = keys + std::min(j + i, count - 1) * headDim;
    for (int64_t line = 0; line < block * headDim; line += lanes)
      _mm_prefetch(reinterpret_cast<const char*>(keys + j * headDim + line + ahead), _MM_HINT_T0);
    __m512 r[16];
    for (auto& v : r) v = _mm512_setzero_ps();
    for (int64_t d = 0; d < headDim; d += lanes) {
      __m512 kv[block];
      for (int i = 0; i < block; i++) kv[i] = _mm512_loadu_ps(k[i] + d);
#pragma GCC unroll 4
      for (int i = 0; i < block; i++) {
        const __m512 qv = _mm512_loadu_ps(q[i] + d);
        for (int c = 0; c < block; c++) r[i * block + c] = _mm512_fmadd_ps(qv, kv[c], r[i * block + c]);
      }
    }
    const __m512 s = sums(r);
    _mm_storeu_ps(scores + j, _mm512_castps512_ps128(s));
    _mm_storeu_ps(scores + stride + j, _mm512_extractf32x4_ps(s, 1));
    _mm_storeu_ps(scores + 2 * stride + j, _mm512_extractf32x4_ps(s, 2));
    _mm_storeu_ps(scores + 3 * stride + j, _mm512_extractf32x4_ps(s, 3));
  }
}

/// e^(scale·(s − max)) in place over [begin, end); returns the sum.
HAETAE_AVX512 float exponentiate(float* scores, int64_t begin, int64_t end, float scale, float max) {
  const __m512 m = _mm512_set1_ps(max), f = _mm512_set1_ps(scale);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = begin; i < end; i += lanes) {
    const __mmask16 mask = end - i >= lanes ? 0xffff : static_cast<__mmask16>((1u << (end - i)) - 1);
    const __m512 s = _mm512_maskz_loadu_ps(mask, scores + i);
    const __m512 e = _mm512_maskz_mov_ps(mask, exponential(_mm512_mul_ps(_mm512_sub_ps(s, m), f)));
    _mm512_mask_storeu_ps(scores + i, mask, e);
    sum = _mm512_add_ps(sum, e);
  }
  return _mm512_reduce_add_ps(sum);
}

HAETAE_AVX512 float largest(const float* scores, int64_t begin, int64_t end, float max) {
  __m512 m = _mm512_set1_ps(max);
  for (int64_t i = begin; i < end; i += lanes) {
    const __mmask16 mask = end - i >= lanes ? 0xffff : static_cast<__mmask16>((1u << (end - i)) - 1);
    m = _mm512_mask_max_ps(m, mask, m, _mm512_maskz_loadu_ps(mask, scores + i));
  }
  return _mm512_reduce_max_ps(m);
}

/// out[i] = factor[i] · Σ_j weights[i·stride + j] · values[j] over `Chunk`·16 dimensions.
template <int Chunk>
HAETAE_AVX512 void mix(const float* weights, int64_t stride, const float* values, int64_t headDim, int64_t count,
                       const float* factor, float* const* out) {
  __m512 acc[block][Chunk];
  for (auto& row : acc)
    for (auto& v : row) v = _mm512_setzero_ps();
  for (int64_t j = 0; j < count; j++) {
    for (int c = 0; c < Chunk; c++)
      _mm_prefetch(reinterpret_cast<const char*>(values + j * headDim + c * lanes + ahead), _MM_HINT_T0);
    __m512 v[Chunk];
    for (int c = 0; c < Chunk; c++) v[c] = _mm512_loadu_ps(values + j * headDim + c * lanes);
#pragma GCC unroll 4
    for (int i = 0; i < block; i++) {
      const __m512 w = _mm512_set1_ps(weights[i * stride + j]);
      for (int c = 0; c < Chunk; c++) acc[i][c] = _mm512_fmadd_ps(w, v[c], acc[i][c]);
    }
  }
  for (int i = 0; i < block; i++) {
    if (!out[i]) continue;
    const __m512 f = _mm512_set1_ps(factor[i]);
    for (int c = 0; c < Chunk; c++) _mm512_storeu_ps(out[i] + c * lanes, _mm512_mul_ps(acc[i][c], f));
  }
}

HAETAE_AVX512 float squares(const float* x, int64_t n) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t d = 0; d < n; d += lanes) {
    const __m512 v = _mm512_loadu_ps(x + d);
    sum = _mm512_fmadd_ps(v, v, sum);
  }
  return _mm512_reduce_add_ps(sum);
}

/// One head of q or k: norm (or none), then rotation of the halves.
void rotate(const float* x, const float* norm, const float* cosines, const float* sines, const Attention& a,
            float* out) {
  const int64_t half = a.headDim / 2;
  const float factor =
      norm ? 1.0f / std::sqrt(squares(x, a.headDim) / static_cast<float>(a.headDim) + a.epsilon) : 1.0f;
  for (int64_t d = 0; d < half; d++) {
    const float first = norm ? x[d] * factor * norm[d] : x[d];
    const float second = norm ? x[d + half] * factor * norm[d + half] : x[d + half];
    out[d] = first * cosines[d] - second * sines[d];
    out[d + half] = second * cosines[d] + first * sines[d];
  }
}

/// Keys of a row's new tokens that a query may see: two ranges of cache positions, the past and the new.
struct Visible {
  int64_t past0, past1, fresh0, fresh1;
};

Visible visible(const Attention& a, int64_t row, int64_t token) {
  const int64_t past = a.past[row];
  const int64_t from = a.visibleFrom[row * a.tokens + token];
  Visible v{0, past, past + from, past + token + 1};
  if (a.window > 0) {
    const int64_t position = past + token - from;
    v.past0 = std::clamp<int64_t>(position - a.window + 1, 0, past);
    v.fresh0 = std::max(v.fresh0, past + token - a.window + 1);
  }
  return v;
}

/// Rotated q of all heads goes to `q`; k and v of all new tokens go to the cache.
void prepareToken(const Attention& a, int64_t row, int64_t token, float* q) {
  const int64_t width = (a.heads + 2 * a.kvHeads) * a.headDim;
  const float* x = a.qkv + (row * a.tokens + token) * width;
  const int64_t past = a.past[row];
  const int64_t position = past + token - a.visibleFrom[row * a.tokens + token];
  const float* cosines = a.cosines + position * (a.headDim / 2);
  const float* sines = a.sines + position * (a.headDim / 2);
  for (int64_t h = 0; h < a.heads; h++)
    rotate(x + h * a.headDim, a.qNorm, cosines, sines, a, q + h * a.headDim);
  x += a.heads * a.headDim;
  const int64_t at = past + token;
  for (int64_t h = 0; h < a.kvHeads; h++) {
    const int64_t place = ((a.slots[row] * a.kvHeads + h) * a.capacity + at) * a.headDim;
    rotate(x + h * a.headDim, a.kNorm, cosines, sines, a, a.keys + place);
    std::memcpy(a.values + place, x + (a.kvHeads + h) * a.headDim, static_cast<size_t>(a.headDim) * sizeof(float));
  }
}

/// Four rows of q (token · group + head of the group) from `first` on, of one kv head of one sequence.
void attendBlock(const Attention& a, const float* q, int64_t row, int64_t kvHead, int64_t first) {
  const int64_t group = a.heads / a.kvHeads;
  const int64_t count = a.fresh[row] * group;
  const float* queries[block];
  float* out[block];
  Visible seen[block];
  int64_t low = INT64_MAX, high = 0;
  for (int i = 0; i < block; i++) {
    const int64_t index = std::min(first + i, count - 1);
    const int64_t token = index / group;
    const int64_t head = kvHead * group + index % group;
    const int64_t place = ((row * a.tokens + token) * a.heads + head) * a.headDim;
    queries[i] = q + place;
    out[i] = first + i < count ? a.out + place : nullptr;
    seen[i] = visible(a, row, token);
    low = std::min(low, seen[i].past0 < seen[i].past1 ? seen[i].past0 : seen[i].fresh0);
    high = std::max(high, seen[i].fresh1);
  }
  static thread_local std::vector<float> scratch;
  const int64_t stride = (high - low + lanes + block) / lanes * lanes + lanes;
  if (scratch.size() < static_cast<size_t>(stride * block)) scratch.resize(static_cast<size_t>(stride * block));
  float* scores = scratch.data();
  const int64_t base = (a.slots[row] * a.kvHeads + kvHead) * a.capacity * a.headDim;
  multiplyKeys(queries, a.keys + base + low * a.headDim, a.headDim, high - low, scores, stride);
  float factor[block];
  for (int i = 0; i < block; i++) {
    float* s = scores + i * stride - low;
    const Visible& v = seen[i];
    const float max = largest(s, v.fresh0, v.fresh1, largest(s, v.past0, v.past1, -INFINITY));
    const float sum =
        exponentiate(s, v.past0, v.past1, a.scale, max) + exponentiate(s, v.fresh0, v.fresh1, a.scale, max);
    factor[i] = 1.0f / sum;
    std::fill(s + low, s + std::max(low, v.past0), 0.0f);
    std::fill(s + std::max(low, v.past1), s + std::max({low, v.past1, v.fresh0}), 0.0f);
    std::fill(s + v.fresh1, s + high, 0.0f);
  }
  const float* values = a.values + base + low * a.headDim;
  for (int64_t d = 0; d < a.headDim;) {
    float* to[block];
    for (int i = 0; i < block; i++) to[i] = out[i] ? out[i] + d : nullptr;
    const int64_t left = (a.headDim - d) / lanes;
    if (left >= 4) mix<4>(scores, stride, values + d, a.headDim, high - low, factor, to), d += 64;
    else if (left >= 2) mix<2>(scores, stride, values + d, a.headDim, high - low, factor, to), d += 32;
    else mix<1>(scores, stride, values + d, a.headDim, high - low, factor, to), d += 16;
  }
}

}  // namespace

void attend(const Attention& a, int threads, const ParallelFor& parallelFor) {
  static thread_local std::vector<float> mine;
  const int64_t size = a.rows * a.tokens * a.heads * a.headDim;
  if (mine.size() < static_cast<size_t>(size)) mine.resize(static_cast<size_t>(size));
  float* const q = mine.data();  // the caller's, also inside the pieces that other threads do
  const int64_t group = a.heads / a.kvHeads;
  const auto prepare = [&](int64_t i) {
    const int64_t row = i / a.tokens, token = i % a.tokens;
    if (token < a.fresh[row]) prepareToken(a, row, token, q + i * a.heads * a.headDim);
    else std::fill_n(a.out + i * a.heads * a.headDim, a.heads * a.headDim, 0.0f);
  };
  const int64_t all = a.rows * a.tokens;
  if (all < 32) {
    for (int64_t i = 0; i < all; i++) prepare(i);
  } else {
    const Pieces pieces = cut(all, threads, 2);
    parallelFor(pieces.count, [&](size_t p) {
      for (int64_t i = pieces.begin(p); i < pieces.begin(p + 1); i++) prepare(i);
    });
  }
  const int64_t blocksPerHead = (a.tokens * group + block - 1) / block;
  const int64_t heads = a.rows * a.kvHeads;
  // A few tokens: the blocks that share keys stay on one thread, whose cache has them then. Many: later ones see
  // more, so pieces take every so-many-th block and are alike.
  const int64_t together = blocksPerHead <= 4 && heads >= threads ? blocksPerHead : 1;
  const int64_t total = heads * blocksPerHead / together;
  const auto pieces = static_cast<int64_t>(cut(total, threads, 4).count);
  parallelFor(static_cast<size_t>(pieces), [&](size_t p) {
    for (int64_t unit = static_cast<int64_t>(p); unit < total; unit += pieces) {
      for (int64_t i = unit * together; i < (unit + 1) * together; i++) {
        const int64_t first = i % blocksPerHead * block;
        const int64_t head = i / blocksPerHead % a.kvHeads, row = i / blocksPerHead / a.kvHeads;
        if (first < a.fresh[row] * group) attendBlock(a, q, row, head, first);
      }
    }
  });
}

}  // namespace haetae

#else

namespace haetae {
void attend(const Attention&, int, const ParallelFor&) {}
}  // namespace haetae

#endif
