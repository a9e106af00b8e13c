#include "flat-scan.h"

#include <omp.h>

#include <algorithm>
#include <cfloat>
#include <cstring>
#include <exception>
#include <vector>

namespace haetae {
namespace {

struct Hit {
  float score;
  int64_t row;
};

/// True where a comes before b in the results; as a heap order it keeps the worst hit on top.
inline bool better(const Hit& a, const Hit& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

/// The best k hits seen so far. Rows must be offered in ascending order.
struct TopK {
  size_t k;
  std::vector<Hit> heap;

  explicit TopK(size_t k_) : k(k_) { heap.reserve(k_); }

  inline void offer(float score, int64_t row) {
    if (heap.size() == k) {
      if (!(score > heap.front().score)) return;
      std::pop_heap(heap.begin(), heap.end(), better);
      heap.back() = {score, row};
    } else {
      if (score != score) return;  // a NaN in the file is never a hit
      heap.push_back({score, row});
    }
    std::push_heap(heap.begin(), heap.end(), better);
  }
};

// Sixteen floats; the compiler splits them into the widest registers of the function's target.
typedef float Lane __attribute__((vector_size(64)));
constexpr size_t kLane = 16;
constexpr size_t kQueries = 4;  // queries that share one pass over a row

template <size_t Q>
__attribute__((always_inline)) inline void dots(const uint8_t* row, const float* const* queries, size_t d,
                                                float* out) {
  Lane sums[Q][2] = {};
  size_t i = 0;
  for (; i + 2 * kLane <= d; i += 2 * kLane) {
    Lane a, b;
    std::memcpy(&a, row + i * sizeof(float), sizeof(Lane));
    std::memcpy(&b, row + (i + kLane) * sizeof(float), sizeof(Lane));
    for (size_t q = 0; q < Q; q++) {
      Lane x, y;
      std::memcpy(&x, queries[q] + i, sizeof(Lane));
      std::memcpy(&y, queries[q] + i + kLane, sizeof(Lane));
      sums[q][0] += a * x;
      sums[q][1] += b * y;
    }
  }
  for (size_t q = 0; q < Q; q++) {
    const Lane total = sums[q][0] + sums[q][1];
    float sum = 0;
    for (size_t j = 0; j < kLane; j++) sum += total[j];
    for (size_t j = i; j < d; j++) {
      float value;
      std::memcpy(&value, row + j * sizeof(float), sizeof(float));
      sum += value * queries[q][j];
    }
    out[q] = sum;
  }
}

template <size_t Q>
__attribute__((always_inline)) inline void scanRows(const uint8_t* rows, size_t from, size_t to, size_t d,
                                                    const float* const* queries, TopK* tops) {
  float scores[Q];
  for (size_t row = from; row < to; row++) {
    dots<Q>(rows + row * d * sizeof(float), queries, d, scores);
    for (size_t q = 0; q < Q; q++) tops[q].offer(scores[q], static_cast<int64_t>(row));
  }
}

using Scan = void (*)(const uint8_t*, size_t, size_t, size_t, const float* const*, TopK*);

#define HAETAE_SCAN(NAME, TARGET)                                                                          \
  template <size_t Q>                                                                                      \
  TARGET void NAME(const uint8_t* rows, size_t from, size_t to, size_t d, const float* const* queries,     \
                   TopK* tops) {                                                                           \
    scanRows<Q>(rows, from, to, d, queries, tops);                                                         \
  }

HAETAE_SCAN(scanBaseline, )
#if defined(__x86_64__)
HAETAE_SCAN(scanAvx2, __attribute__((target("avx2,fma"))))
HAETAE_SCAN(scanAvx512, __attribute__((target("avx512f,avx2,fma"))))
#endif

enum class Variant { baseline, avx2, avx512 };

Variant variant() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return Variant::avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return Variant::avx2;
#endif
  return Variant::baseline;
}

template <size_t Q>
Scan scanFor() {
#if defined(__x86_64__)
  switch (variant()) {
    case Variant::avx512:
      return scanAvx512<Q>;
    case Variant::avx2:
      return scanAvx2<Q>;
    default:
      break;
  }
#endif
  return scanBaseline<Q>;
}

}  // namespace

const char* scanVariant() {
  switch (variant()) {
    case Variant::avx512:
      return "avx512";
    case Variant::avx2:
      return "avx2";
    default:
      return "baseline";
  }
}

void scanInnerProduct(const uint8_t* rows, size_t n, size_t d, const float* queries, size_t nq, size_t k,
                      float* distances, int64_t* labels, int threads) {
  const Scan scan1 = scanFor<1>();
  const Scan scan4 = scanFor<kQueries>();
  // A part of the rows per thread; below a quarter of a megabyte a thread costs more than it saves.
  const size_t minRows = std::max<size_t>(1, (size_t{1} << 16) / std::max<size_t>(d, 1));
  const size_t parts = std::max<size_t>(1, std::min<size_t>(std::max(threads, 1), n / minRows));
  for (size_t q = 0; q < nq;) {
    const size_t count = q + kQueries <= nq ? kQueries : 1;
    const float* block[kQueries];
    for (size_t j = 0; j < count; j++) block[j] = queries + (q + j) * d;
    std::vector<std::vector<TopK>> tops(parts, std::vector<TopK>(count, TopK(0)));
    for (auto& part : tops)
      for (auto& top : part) top = TopK(std::min(k, n));
    for (auto& part : tops)
      for (auto& top : part) top.heap.reserve(top.k);  // before the threads start: nothing throws in there
    const auto run = [&](size_t part) {
      const size_t from = n * part / parts, to = n * (part + 1) / parts;
      (count == 1 ? scan1 : scan4)(rows, from, to, d, block, tops[part].data());
    };
    if (parts == 1) {
      run(0);
    } else {
#pragma omp parallel for num_threads(static_cast<int>(parts)) schedule(static, 1)
      for (size_t part = 0; part < parts; part++) run(part);
    }
    for (size_t j = 0; j < count; j++) {
      std::vector<Hit> hits;
      for (const auto& part : tops) hits.insert(hits.end(), part[j].heap.begin(), part[j].heap.end());
      std::sort(hits.begin(), hits.end(), better);
      for (size_t i = 0; i < k; i++) {
        distances[(q + j) * k + i] = i < hits.size() ? hits[i].score : -FLT_MAX;
        labels[(q + j) * k + i] = i < hits.size() ? hits[i].row : -1;
      }
    }
    q += count;
  }
}

}  // namespace haetae
