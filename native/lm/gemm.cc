// The loops around the kernels, after Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008):
// a part of B is packed by all threads into memory they share and stays in the second-level cache, with a block of
// rows of A that is one thread's. A strip of that block stays in the first-level cache while B passes by.
#include "gemm.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "cpu.h"
#include "gemm-kernels.h"
#include "int-matmul-kernels.h"
#include "weight-memory.h"

namespace haetae {
namespace {

/// Of B that is packed at once: the second-level cache of a core holds it, with a block of A. Packing all of a large
/// B would write it to memory and read it again. Measured.
constexpr int64_t packedBytes = int64_t{1} << 20;
/// Multiplications for which other threads are not woken: about 10 µs.
constexpr int64_t alone = int64_t{1} << 20;
/// Rows of A below which a block costs more in passing B by than it gains in balance.
constexpr int64_t leastRows = 64;

int64_t roundUp(int64_t value, int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

/// Memory that is kept from call to call and grows.
class Scratch {
 public:
  uint8_t* take(int64_t bytes) {
    if (bytes > size_) {
      const auto wanted = static_cast<size_t>(roundUp(bytes, int64_t{2} << 20));
      memory_.reset();
      size_ = 0;
      memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(size_t{2} << 20, wanted)));
      if (!memory_) throw std::bad_alloc();
      size_ = static_cast<int64_t>(wanted);
      adviseHugePages(memory_.get(), wanted);
    }
    return memory_.get();
  }

 private:
  struct Free {
    void operator()(uint8_t* p) const { std::free(p); }
  };
  std::unique_ptr<uint8_t, Free> memory_;
  int64_t size_ = 0;
};

/// A range of columns and of k of B, cut into strips and panels.
struct Panels {
  int64_t column, columns, k, depth;
  int64_t panelDepth;
  Pieces strips;  // in vectors
  uint8_t* packed;

  Panels(const GemmKernel& kernel, int64_t column, int64_t columns, int64_t k, int64_t depth)
      : column(column), columns(columns), k(k), depth(depth), panelDepth(kernel.depth), packed(nullptr) {
    const int64_t vectors = (columns + lanes - 1) / lanes;
    const int64_t widest = kernel.columns / lanes;
    strips = {vectors, static_cast<size_t>((vectors + widest - 1) / widest)};
  }

  int64_t count() const { return (depth + panelDepth - 1) / panelDepth; }
  int64_t depthOf(int64_t panel) const { return std::min(panelDepth, depth - panel * panelDepth); }
  int64_t bytes(const GemmKernel& kernel) const {
    return strips.total * lanes * roundUp(depth, kernel.step) * kernel.bytes;
  }
  int64_t firstColumn(int64_t strip) const { return strips.begin(static_cast<size_t>(strip)) * lanes; }
  int64_t columnsOf(int64_t strip) const {
    return std::min(columns, firstColumn(strip + 1)) - firstColumn(strip);
  }
  uint8_t* at(const GemmKernel& kernel, int64_t panel, int64_t strip) const {
    const int64_t before = panel * panelDepth * strips.total * lanes;
    return packed + (before + firstColumn(strip) * roundUp(depthOf(panel), kernel.step)) * kernel.bytes;
  }
};

/// Rows [row0, row1) by strips [strip0, strip1).
void multiplyBlock(const GemmKernel& kernel, const Gemm& g, const Panels& b, int64_t row0, int64_t row1, int64_t strip0,
                   int64_t strip1) {
  static thread_local Scratch scratch;
  const bool direct = kernel.readsA && !g.transA;
  for (int64_t panel = 0; panel < b.count(); panel++) {
    const int64_t depth = b.depthOf(panel);
    const int64_t k = b.k + panel * b.panelDepth;
    const int64_t stripBytes = kernel.rows * roundUp(depth, kernel.step) * kernel.bytes;
    uint8_t* a = nullptr;
    if (!direct) {
      a = scratch.take((row1 - row0 + kernel.rows - 1) / kernel.rows * stripBytes);
      kernel.packA(g, row0, row1 - row0, k, depth, a);
    }
    const float* c = k == 0 ? g.c : g.y;
    GemmTile tile{};
    tile.aStride = direct ? g.k : 0;
    tile.depth = depth;
    tile.stride = g.n;
    tile.alpha = g.alpha;
    // Strips of B inside: rows of Y are written from end to end, which measured 1.05 (AVX-512) to 1.2 (AMX) as fast.
    for (int64_t row = row0, i = 0; row < row1; row += kernel.rows, i++) {
      tile.a = direct ? static_cast<const void*>(g.a + row * g.k + k) : a + i * stripBytes;
      tile.rows = std::min(kernel.rows, row1 - row);
      for (int64_t strip = strip0; strip < strip1; strip++) {
        const int64_t column = b.column + b.firstColumn(strip);
        tile.b = b.at(kernel, panel, strip);
        tile.columns = b.columnsOf(strip);
        tile.c = c ? c + row * g.n + column : nullptr;
        tile.y = g.y + row * g.n + column;
        kernel.multiply(tile);
      }
    }
  }
}

void multiplyPanels(const GemmKernel& kernel, const Gemm& g, Panels& b, int threads, const ParallelFor& parallelFor) {
  static thread_local Scratch scratch;
  b.packed = scratch.take(b.bytes(kernel));
  const auto strips = static_cast<int64_t>(b.strips.count);
  const Pieces packing = cut(b.count() * strips, threads, 4);
  parallelFor(packing.count, [&](size_t piece) {
    for (int64_t i = packing.begin(piece); i < packing.begin(piece + 1); i++) {
      const int64_t panel = i / strips, strip = i % strips;
      kernel.packB(g, b.column + b.firstColumn(strip), b.columnsOf(strip), b.k + panel * b.panelDepth,
                   b.depthOf(panel), b.at(kernel, panel, strip));
    }
  });
  // Blocks of rows; where there are few, each by a part of the columns.
  const int64_t fair = threads > 1 ? roundUp((g.m + threads * 4 - 1) / (threads * 4), kernel.rows) : kernel.blockRows;
  const int64_t blockRows = std::clamp(fair, roundUp(leastRows, kernel.rows), kernel.blockRows);
  const int64_t blocks = (g.m + blockRows - 1) / blockRows;
  const int64_t wanted = threads > 1 ? (threads * 2 + blocks - 1) / blocks : 1;
  const Pieces parts{strips, static_cast<size_t>(std::min(strips, wanted))};
  parallelFor(static_cast<size_t>(blocks) * parts.count, [&](size_t piece) {
    const int64_t row = static_cast<int64_t>(piece / parts.count) * blockRows;
    const size_t part = piece % parts.count;
    if (kernel.begin) kernel.begin();
    multiplyBlock(kernel, g, b, row, std::min(row + blockRows, g.m), parts.begin(part), parts.begin(part + 1));
    if (kernel.end) kernel.end();
  });
}

const GemmKernel& kernelOf(int64_t precision) {
  return precision == 0 ? avx512Gemm() : amxGemm(precision == 1 ? 1 : 2);
}

}  // namespace

bool hasGemmPrecision(int64_t precision) {
  return precision == 0 ? hasVnni() : (precision == 1 || precision == 3) && hasAmxBf16();
}

void gemm(int64_t precision, const Gemm& g, int threads, const ParallelFor& parallelFor) {
  if (g.m == 0 || g.n == 0) return;
  if (g.k == 0) {
    const auto bytes = static_cast<size_t>(g.m * g.n) * sizeof(float);
    if (!g.c) std::memset(g.y, 0, bytes);
    else if (g.c != g.y) std::memcpy(g.y, g.c, bytes);
    return;
  }
  const GemmKernel& kernel = kernelOf(precision);
  const bool isShort = threads == 1 || g.m * g.n * g.k < alone;
  const ParallelFor inTurn = [](size_t count, const std::function<void(size_t)>& fn) {
    for (size_t i = 0; i < count; i++) fn(i);
  };
  // All columns at once where they fit: threads wait for each other after every panel.
  const bool fits = g.n * g.k * kernel.bytes <= packedBytes;
  const int64_t panels = fits ? 1 : (g.n + kernel.panelColumns - 1) / kernel.panelColumns;
  const int64_t columns = roundUp((g.n + panels - 1) / panels, kernel.columns);
  const int64_t fitting = packedBytes / kernel.bytes / columns;
  const int64_t depth = std::max(kernel.depth, fitting / kernel.depth * kernel.depth);
  for (int64_t column = 0; column < g.n; column += columns) {
    for (int64_t k = 0; k < g.k; k += depth) {
      Panels b(kernel, column, std::min(columns, g.n - column), k, std::min(depth, g.k - k));
      multiplyPanels(kernel, g, b, isShort ? 1 : threads, isShort ? inTurn : parallelFor);
    }
  }
}

}  // namespace haetae
