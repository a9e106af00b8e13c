#include "int-matmul.h"

#include "cpu.h"
#include "int-matmul-kernels.h"

namespace haetae {

namespace {

/// From this many rows on, tiles win over walking along k. Measured.
constexpr int64_t tileRows = 5;

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
  if (kernel == Kernel::amx && m >= tileRows) amxMatMul(x, m, w, bias, out, threads, parallelFor);
  else vnniMatMul(x, m, w, bias, out, threads, parallelFor);
}

}  // namespace haetae
