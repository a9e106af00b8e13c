#include "int-matmul.h"

#include <algorithm>

#include "cpu.h"
#include "int-matmul-kernels.h"

namespace haetae {

namespace {

/// From this many rows on, tiles win over walking along k. Measured.
constexpr int64_t tileRows = 4;
/// More at once would not stay in the second-level cache while panels of W pass by.
constexpr int64_t rowsAtOnce = 128;

}  // namespace

Kernel bestKernel() {
  if (hasAmx()) return Kernel::amx;
  return hasVnni() ? Kernel::vnni : Kernel::none;
}

const char* kernelName(Kernel kernel) {
  switch (kernel) {
    case Kernel::amx: return "amx";
    case Kernel::vnni: return "vnni";
    case Kernel::none: break;
  }
  return "none";
}

void intMatMul(Kernel kernel, const float* x, int64_t m, const IntMatrix& w, const float* bias, float* out,
               int threads, const ParallelFor& parallelFor) {
  for (int64_t row = 0; row < m; row += rowsAtOnce) {
    const int64_t rows = std::min(rowsAtOnce, m - row);
    const auto multiply = kernel == Kernel::amx && rows >= tileRows ? amxMatMul : vnniMatMul;
    multiply(x + row * w.k, rows, w, bias, out + row * w.n, threads, parallelFor);
  }
}

}  // namespace haetae
