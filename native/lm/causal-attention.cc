#include "causal-attention.h"

#if defined(__x86_64__)

#include <cmath>

#include "causal-attention-tile.h"
#include "exponential.h"

namespace haetae {
namespace {

using namespace causal;

/// Queries whose scores are in cache at once, a multiple of the rows of a tile.
constexpr int64_t queryBlock = 48;
/// Keys between two adjustments of the running maximum, a multiple of the block.
constexpr int64_t strip = 512;

/// Rows and keys of one block of queries, relative to it.
struct Queries {
  int64_t begin, count;
  int64_t first[queryBlock];                 // of each row
  int64_t low[queryBlock / tileRows];        // lowest of each tile's rows
};

/// What a row of scores is known to hold so far.
struct Running {
  float max[queryBlock], sum[queryBlock];
};

/// scores[i, j − from] for keys [from, to) and those tiles that somebody sees.
HAETAE_AVX512 void multiplyKeys(const Queries& queries, const float* q, const float* keys, int64_t headDim,
                                int64_t from, int64_t to, float* scores) {
  for (int64_t j = from / block * block; j < to; j += block) {
    const float* panel = keys + j * headDim;
    for (int64_t i = 0; i < queries.count; i += tileRows) {
      const int64_t rows = std::min(tileRows, queries.count - i);
      const int64_t end = std::min(j + block, queries.begin + i + rows);
      if (queries.low[i / tileRows] >= j + block || end <= j) continue;
      multiplyTile<false>({q + i * headDim, headDim, 1}, panel, block, headDim, scores + i * strip + j - from, strip,
                          rows, (end - j + lanes - 1) / lanes);
    }
  }
}

/// Scores of keys [from, to) become e^(score − max); rows that had another maximum before are scaled down.
HAETAE_AVX512 void exponentiate(const Queries& queries, int64_t from, int64_t to, int64_t headDim, float* scores,
                                Running& running, float* out) {
  for (int64_t i = 0; i < queries.count; i++) {
    const int64_t tileLow = std::max(queries.low[i / tileRows], from);
    const int64_t tileEnd = std::min(queries.begin + std::min(i / tileRows * tileRows + tileRows, queries.count), to);
    const int64_t low = std::max(queries.first[i], from), end = std::min(queries.begin + i + 1, to);
    if (tileLow >= tileEnd) continue;
    float* s = scores + i * strip;
    if (low >= end) {
      std::fill(s + tileLow - from, s + tileEnd - from, 0.0f);
      continue;
    }
    const int64_t begin = (low - from) / lanes * lanes, stop = end - from;
    __m512 largest = _mm512_set1_ps(-INFINITY);
    for (int64_t j = begin; j < stop; j += lanes) {
      const __mmask16 mask = lanesBelow(stop - j) & ~lanesBelow(low - from - j);
      largest = _mm512_mask_max_ps(largest, mask, largest, _mm512_loadu_ps(s + j));
    }
    const float before = running.max[i];
    const float max = std::max(before, _mm512_reduce_max_ps(largest));
    const __m512 m = _mm512_set1_ps(max);
    __m512 sum = _mm512_setzero_ps();
    for (int64_t j = begin; j < stop; j += lanes) {
      const __mmask16 mask = lanesBelow(stop - j) & ~lanesBelow(low - from - j);
      const __m512 e = _mm512_maskz_mov_ps(mask, exponential(_mm512_sub_ps(_mm512_loadu_ps(s + j), m)));
      _mm512_storeu_ps(s + j, e);
      sum = _mm512_add_ps(sum, e);
    }
    // What lies outside of what this row sees, but inside of what its tile multiplies.
    if (tileLow - from < begin) std::fill(s + tileLow - from, s + begin, 0.0f);
    const int64_t written = (stop + lanes - 1) / lanes * lanes;
    if (written < tileEnd - from) std::fill(s + written, s + tileEnd - from, 0.0f);

    if (before > -INFINITY && max > before) {
      const float factor = std::exp(before - max);
      running.sum[i] *= factor;
      for (int64_t d = 0; d < headDim; d += lanes)
        _mm512_storeu_ps(out + i * headDim + d,
                         _mm512_mul_ps(_mm512_loadu_ps(out + i * headDim + d), _mm512_set1_ps(factor)));
    }
    running.max[i] = max;
    running.sum[i] += _mm512_reduce_add_ps(sum);
  }
}

/// out += probabilities · values over keys [from, to).
HAETAE_AVX512 void mixValues(const Queries& queries, const float* scores, const float* values, int64_t headDim,
                             int64_t from, int64_t to, float* out) {
  for (int64_t j = from / block * block; j < to; j += block) {
    for (int64_t i = 0; i < queries.count; i += tileRows) {
      const int64_t rows = std::min(tileRows, queries.count - i);
      const int64_t low = std::max({queries.low[i / tileRows], j, from});
      const int64_t end = std::min({j + block, queries.begin + i + rows, to});
      if (low >= end) continue;
      addProduct({scores + i * strip + low - from, strip, 1}, values + low * headDim, end - low, out + i * headDim,
                 rows, headDim);
    }
  }
}

struct Output {
  float* out;
  float* lse;
};

/// One block of queries of one head: q and keys are rotated, keys transposed.
HAETAE_AVX512 void attendBlock(const CausalAttention& a, int64_t row, int64_t head, int64_t begin, const float* q,
                               const float* keys, const float* values, float* scores, float* sums, Output output) {
  Queries queries{};
  queries.begin = begin;
  queries.count = std::min(queryBlock, a.length - begin);
  int64_t lowest = begin;
  for (int64_t i = 0; i < queries.count; i++) {
    queries.first[i] = firstVisible(a, row, begin + i);
    int64_t& low = queries.low[i / tileRows];
    low = i % tileRows == 0 ? queries.first[i] : std::min(low, queries.first[i]);
    lowest = std::min(lowest, queries.first[i]);
  }
  Running running;
  std::fill_n(running.max, queryBlock, -INFINITY);
  std::fill_n(running.sum, queryBlock, 0.0f);
  std::fill_n(sums, queries.count * a.headDim, 0.0f);
  const int64_t end = begin + queries.count;
  for (int64_t from = lowest / strip * strip; from < end; from += strip) {
    const int64_t to = std::min(from + strip, end);
    multiplyKeys(queries, q, keys, a.headDim, from, to, scores);
    exponentiate(queries, from, to, a.headDim, scores, running, sums);
    mixValues(queries, scores, values, a.headDim, from, to, sums);
  }
  for (int64_t i = 0; i < queries.count; i++) {
    output.lse[(row * a.heads + head) * a.length + begin + i] = running.max[i] + std::log(running.sum[i]);
    float* out = output.out + ((row * a.length + begin + i) * a.heads + head) * a.headDim;
    const __m512 factor = _mm512_set1_ps(1.0f / running.sum[i]);
    for (int64_t d = 0; d < a.headDim; d += lanes)
      _mm512_storeu_ps(out + d, _mm512_mul_ps(_mm512_loadu_ps(sums + i * a.headDim + d), factor));
  }
}

/// Blocks of queries part, part + parts, … of a row and a key-value head.
HAETAE_AVX512 void attendHead(const CausalAttention& a, int64_t row, int64_t kvHead, int64_t part, int64_t parts,
                              Output output) {
  static thread_local Scratch scratch;
  const int64_t group = a.heads / a.kvHeads, width = a.width(), size = a.length * a.headDim;
  const int64_t padded = (a.length + block - 1) / block * block * a.headDim;
  scratch.reserve(Scratch::rounded(size) + padded + 2 * Scratch::rounded(queryBlock * a.headDim) + queryBlock * strip);
  float* values = scratch.take(size);
  float* keys = scratch.take(padded);
  float* q = scratch.take(queryBlock * a.headDim);
  float* sums = scratch.take(queryBlock * a.headDim);
  float* scores = scratch.take(queryBlock * strip);
  const float* x = a.qkv + row * a.length * width;
  rotateHead(a, x + (a.heads + kvHead) * a.headDim, width, 1.0f, values);
  packTransposed(values, a.headDim, a.length, a.headDim, keys);
  copyHead(x + (a.heads + a.kvHeads + kvHead) * a.headDim, width, a.length, a.headDim, values);
  for (int64_t head = kvHead * group; head < (kvHead + 1) * group; head++) {
    for (int64_t begin = part * queryBlock; begin < a.length; begin += parts * queryBlock) {
      for (int64_t i = 0; i < std::min(queryBlock, a.length - begin); i++) {
        const int64_t at = (begin + i) * (a.headDim / 2), ahead = std::min(begin + i + rowsAhead, a.length - 1);
        prefetchHead(x + ahead * width + head * a.headDim, a.headDim);
        rotate(x + (begin + i) * width + head * a.headDim, a.cosines + at, a.sines + at, a.headDim, a.scale, 1.0f,
               q + i * a.headDim);
      }
      attendBlock(a, row, head, begin, q, keys, values, scores, sums, output);
    }
  }
}

}  // namespace

void attendCausally(const CausalAttention& a, float* out, float* lse, int threads, const ParallelFor& parallelFor) {
  const int64_t units = a.rows * a.kvHeads;
  // Where there are fewer than threads, each is cut by queries; keys and values are then prepared once for each part.
  const int64_t blocks = (a.length + queryBlock - 1) / queryBlock;
  const int64_t parts = units >= threads ? 1 : std::min<int64_t>(blocks, (threads + units - 1) / units);
  parallelFor(static_cast<size_t>(units * parts), [&](size_t i) {
    const int64_t unit = static_cast<int64_t>(i) / parts;
    attendHead(a, unit / a.kvHeads, unit % a.kvHeads, static_cast<int64_t>(i) % parts, parts, {out, lse});
  });
}

}  // namespace haetae

#else

namespace haetae {
void attendCausally(const CausalAttention&, float*, float*, int, const ParallelFor&) {}
}  // namespace haetae

#endif
