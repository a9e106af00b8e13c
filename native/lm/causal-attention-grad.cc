// With P the probabilities and S the scores (Dao et al. 2022, appendix B):
//
//   dV = Pᵀ dO     dP = dO Vᵀ     dS = P ⊙ (dP − δ), δ = rowsum(dO ⊙ O)     dQ = scale · dS K     dK = scale · dSᵀ Q
//
// The scale is in q from the start, so that it comes into S and dK by itself.
#include "causal-attention.h"

#if defined(__x86_64__)

#include "causal-attention-tile.h"
#include "exponential.h"

namespace haetae {
namespace {

using namespace causal;

/// Queries of a block, a multiple of the rows of a tile.
constexpr int64_t queryBlock = 96;

/// A row and a key-value head: what all its query heads share.
struct Shared {
  const float *keys, *keyPanels, *valuePanels;
  float *dKeys, *dValues;  // [length, headDim], sums so far
};

/// A block of queries of one head.
struct Queries {
  int64_t begin, count;
  int64_t first[queryBlock];           // first position that each sees
  int64_t low[queryBlock / tileRows];  // lowest of each tile's rows
  float delta[queryBlock];
  const float* lse;
  float *q, *dOut, *dQ;  // [count, headDim]
  float *p, *dS;         // [count, 64]: probabilities and gradients of scores of one block of keys
};

/// Scores and dP of the tiles of which somebody sees something.
HAETAE_AVX512 void multiplyTiles(const Queries& queries, const Shared& shared, int64_t headDim, int64_t j) {
  for (int64_t i = 0; i < queries.count; i += tileRows) {
    const int64_t rows = std::min(tileRows, queries.count - i);
    const int64_t end = std::min(j + block, queries.begin + i + rows);
    if (queries.low[i / tileRows] >= j + block || end <= j) continue;
    const int64_t vectors = (end - j + lanes - 1) / lanes;
    multiplyTile<false>({queries.q + i * headDim, headDim, 1}, shared.keyPanels + j * headDim, block, headDim,
                        queries.p + i * block, block, rows, vectors);
    multiplyTile<false>({queries.dOut + i * headDim, headDim, 1}, shared.valuePanels + j * headDim, block, headDim,
                        queries.dS + i * block, block, rows, vectors);
  }
}

/// Scores become probabilities and dP becomes dS for rows [from, to); zero where nothing is seen.
HAETAE_AVX512 void differentiate(const Queries& queries, int64_t from, int64_t to, int64_t j) {
  for (int64_t i = from; i < to; i++) {
    const int64_t low = queries.first[i] - j, end = queries.begin + i + 1 - j;
    const __m512 lse = _mm512_set1_ps(queries.lse[i]), delta = _mm512_set1_ps(queries.delta[i]);
    for (int64_t c = 0; c < block; c += lanes) {
      float* p = queries.p + i * block + c;
      float* dS = queries.dS + i * block + c;
      const __mmask16 mask = lanesBelow(end - c) & ~lanesBelow(low - c);
      if (mask == 0) {
        _mm512_storeu_ps(p, _mm512_setzero_ps());
        _mm512_storeu_ps(dS, _mm512_setzero_ps());
        continue;
      }
      const __m512 e = _mm512_maskz_mov_ps(mask, exponential(_mm512_sub_ps(_mm512_loadu_ps(p), lse)));
      _mm512_storeu_ps(p, e);
      _mm512_storeu_ps(dS, _mm512_maskz_mul_ps(mask, e, _mm512_sub_ps(_mm512_loadu_ps(dS), delta)));
    }
  }
}

/// dQ += dS K, and dK += dSᵀ Q, dV += Pᵀ dO over rows [from, to), for keys [j, keyEnd).
HAETAE_AVX512 void addGradients(const Queries& queries, const Shared& shared, int64_t headDim, int64_t from,
                                int64_t to, int64_t j, int64_t keyEnd) {
  for (int64_t i = 0; i < queries.count; i += tileRows) {
    const int64_t rows = std::min(tileRows, queries.count - i);
    const int64_t low = std::max(queries.low[i / tileRows], j), end = std::min(keyEnd, queries.begin + i + rows);
    if (low >= end) continue;
    addProduct({queries.dS + i * block + low - j, block, 1}, shared.keys + low * headDim, end - low,
               queries.dQ + i * headDim, rows, headDim);
  }
  for (int64_t key = j; key < keyEnd; key += tileRows) {
    const int64_t rows = std::min(tileRows, keyEnd - key);
    const int64_t begin = std::max(from, key - queries.begin);
    if (begin >= to) continue;
    const int64_t at = begin * block + key - j;
    addProduct({queries.p + at, 1, block}, queries.dOut + begin * headDim, to - begin, shared.dValues + key * headDim,
               rows, headDim);
    addProduct({queries.dS + at, 1, block}, queries.q + begin * headDim, to - begin, shared.dKeys + key * headDim,
               rows, headDim);
  }
}

HAETAE_AVX512 float dot(const float* x, const float* y, int64_t count) {
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < count; i += lanes)
    sum = _mm512_fmadd_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(y + i), sum);
  return _mm512_reduce_add_ps(sum);
}

struct Arguments {
  const CausalAttention& a;
  const float *dOut, *out, *lse;
  float* dQkv;
};

HAETAE_AVX512 void gradOfQueries(const Arguments& g, int64_t row, int64_t head, Queries& queries,
                                 const Shared& shared) {
  const CausalAttention& a = g.a;
  queries.lse = g.lse + (row * a.heads + head) * a.length + queries.begin;
  int64_t lowest = queries.begin;
  for (int64_t i = 0; i < queries.count; i++) {
    const int64_t position = queries.begin + i, token = row * a.length + position, half = a.headDim / 2;
    const int64_t at = (token * a.heads + head) * a.headDim;
    const int64_t ahead = std::min(rowsAhead, a.length - 1 - position);
    prefetchHead(a.qkv + (token + ahead) * a.width() + head * a.headDim, a.headDim);
    prefetchHead(g.dOut + at + ahead * a.heads * a.headDim, a.headDim);
    prefetchHead(g.out + at + ahead * a.heads * a.headDim, a.headDim);
    rotate(a.qkv + token * a.width() + head * a.headDim, a.cosines + position * half, a.sines + position * half,
           a.headDim, a.scale, 1.0f, queries.q + i * a.headDim);
    copyRow(g.dOut + at, a.headDim, queries.dOut + i * a.headDim);
    queries.delta[i] = dot(g.dOut + at, g.out + at, a.headDim);
    queries.first[i] = firstVisible(a, row, position);
    int64_t& low = queries.low[i / tileRows];
    low = i % tileRows == 0 ? queries.first[i] : std::min(low, queries.first[i]);
    lowest = std::min(lowest, queries.first[i]);
  }
  std::fill_n(queries.dQ, queries.count * a.headDim, 0.0f);
  const int64_t end = queries.begin + queries.count;
  for (int64_t j = lowest / block * block; j < end; j += block) {
    // Rows [from, to) are those between the first and the last that see something of these keys.
    const int64_t from = std::max<int64_t>(0, j - queries.begin);
    int64_t to = queries.count;
    while (to > from && queries.first[to - 1] >= j + block) to--;
    if (from == to) continue;
    multiplyTiles(queries, shared, a.headDim, j);
    // Whole tiles: dQ is made of these.
    const int64_t tilesEnd = (to + tileRows - 1) / tileRows * tileRows;
    differentiate(queries, from / tileRows * tileRows, std::min(tilesEnd, queries.count), j);
    addGradients(queries, shared, a.headDim, from, to, j, std::min({j + block, end, a.length}));
  }
  for (int64_t i = 0; i < queries.count; i++) {
    const int64_t position = queries.begin + i, half = a.headDim / 2;
    rotate(queries.dQ + i * a.headDim, a.cosines + position * half, a.sines + position * half, a.headDim, a.scale,
           -1.0f, g.dQkv + (row * a.length + position) * a.width() + head * a.headDim);
  }
}

HAETAE_AVX512 void gradOfHead(const Arguments& g, int64_t row, int64_t kvHead) {
  static thread_local Scratch scratch;
  const CausalAttention& a = g.a;
  const int64_t group = a.heads / a.kvHeads, width = a.width(), size = a.length * a.headDim;
  const int64_t padded = (a.length + block - 1) / block * block * a.headDim;
  const int64_t ofQueries = queryBlock * a.headDim, ofScores = queryBlock * block;
  scratch.reserve(3 * Scratch::rounded(size) + 2 * padded + 3 * ofQueries + 2 * ofScores);
  float* keys = scratch.take(size);
  float* keyPanels = scratch.take(padded);
  float* valuePanels = scratch.take(padded);
  const Shared shared{keys, keyPanels, valuePanels, scratch.take(size), scratch.take(size)};
  Queries queries{};
  queries.q = scratch.take(ofQueries);
  queries.dOut = scratch.take(ofQueries);
  queries.dQ = scratch.take(ofQueries);
  queries.p = scratch.take(ofScores);
  queries.dS = scratch.take(ofScores);

  const int64_t kAt = row * a.length * width + (a.heads + kvHead) * a.headDim, vAt = kAt + a.kvHeads * a.headDim;
  rotateHead(a, a.qkv + kAt, width, 1.0f, keys);
  packTransposed(keys, a.headDim, a.length, a.headDim, keyPanels);
  packTransposed(a.qkv + vAt, width, a.length, a.headDim, valuePanels);
  std::fill_n(shared.dKeys, size, 0.0f);
  std::fill_n(shared.dValues, size, 0.0f);
  for (int64_t head = kvHead * group; head < (kvHead + 1) * group; head++) {
    for (queries.begin = 0; queries.begin < a.length; queries.begin += queryBlock) {
      queries.count = std::min(queryBlock, a.length - queries.begin);
      gradOfQueries(g, row, head, queries, shared);
    }
  }
  for (int64_t i = 0; i < a.length; i++) {
    const int64_t half = a.headDim / 2;
    rotate(shared.dKeys + i * a.headDim, a.cosines + i * half, a.sines + i * half, a.headDim, 1.0f, -1.0f,
           g.dQkv + kAt + i * width);
    copyRow(shared.dValues + i * a.headDim, a.headDim, g.dQkv + vAt + i * width);
  }
}

}  // namespace

void attendCausallyGrad(const CausalAttention& a, const float* dOut, const float* out, const float* lse, float* dQkv,
                        const ParallelFor& parallelFor) {
  parallelFor(static_cast<size_t>(a.rows * a.kvHeads), [&](size_t unit) {
    gradOfHead({a, dOut, out, lse, dQkv}, static_cast<int64_t>(unit) / a.kvHeads,
               static_cast<int64_t>(unit) % a.kvHeads);
  });
}

}  // namespace haetae

#else

namespace haetae {
void attendCausallyGrad(const CausalAttention&, const float*, const float*, const float*, float*, const ParallelFor&) {
}
}  // namespace haetae

#endif
