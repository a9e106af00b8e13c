// What a precision of gemm.h is made of: how strips of A and B are packed, and how two strips are multiplied.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gemm.h"

namespace haetae {

/// A vector of 16 floats, and the edge of a tile.
constexpr int64_t lanes = 16;

/// A strip of rows of A by a strip of columns of B, over a panel along k.
struct GemmTile {
  const void* a;
  int64_t aStride;  // between rows of A as it lies; 0: packed in the kernel's own way
  const void* b;    // packed
  int64_t rows, columns, depth;
  const float* c;   // added; null: nothing
  float* y;
  int64_t stride;   // between rows of c and of y
  float alpha;
};

struct GemmKernel {
  int64_t rows;          // of a strip of A, at most
  int64_t columns;       // of a strip of B, at most; a multiple of `lanes`
  int64_t panelColumns;  // of B that are packed at once, at most, up to a multiple of `columns`
  int64_t depth;         // of a panel along k, at most
  int64_t step;          // packed panels are this deep or a multiple of it
  int64_t blockRows;     // of A that stay in the second-level cache; a multiple of `rows`
  int64_t bytes;         // that an element takes when packed
  bool readsA;           // as it lies, where k is contiguous; packA is for A [k, m] then
  /// Rows from `row` on as strips of `rows` · depth · `bytes` bytes; whatever is absent is 0. All strips at once: where
  /// A [k, m] is turned, what follows in memory is in the next strip.
  void (*packA)(const Gemm& g, int64_t row, int64_t rows, int64_t k, int64_t depth, void* to);
  /// A strip from column `column` on, as wide as `columns` rounded up to `lanes`.
  void (*packB)(const Gemm& g, int64_t column, int64_t columns, int64_t k, int64_t depth, void* to);
  /// y = c + alpha · a · b. Kernels that pack A apply alpha there.
  void (*multiply)(const GemmTile& tile);
  void (*begin)();  // a thread's work; null: nothing to do
  void (*end)();
};

const GemmKernel& avx512Gemm();
/// Parts: 1, or 2 for high and low.
const GemmKernel& amxGemm(int parts);

}  // namespace haetae
