// y = x Wᵀ with W as blocks of 4-bit or 8-bit integers: the layout of ONNX Runtime's MatMulNBits, symmetric.
//
//   w[n, k] = (q[n, k] − 2^(bits−1)) · scale[n, k / block]           block a multiple of 32
//
// Rows of x are quantised to 8 bits by blocks of 32 (absmax / 127), as `accuracy_level` 4 of MatMulNBits does, and
// the dot products of blocks are exact in 32-bit integers. The weights are read as they lie in the file: nothing
// is repacked, so a mapped file is all the memory they take.
//
// Within a block of 4-bit weights byte i holds elements 2i and 2i+1. Splitting low from high halves gives the even
// elements, then the odd ones; quantised rows of x are kept in that order too, so no weight is ever shuffled.
// Two kernels: VNNI walks along k, for one to a few rows of x (bound by memory); AMX multiplies 16 × 16 tiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace haetae {

struct IntMatrix {
  const uint8_t* q;     // [n, k·bits/8]
  const float* scales;  // [n, k/block]
  int64_t n;
  int64_t k;
  int bits;   // 4 or 8
  int block;  // 32, 64, 128, …
};

enum class Kernel { none, vnni, amx };

/// The best this processor can run: AMX tiles, AVX-512 VNNI, or nothing.
Kernel bestKernel();
const char* kernelName(Kernel kernel);

/// Calls fn(i) for i in [0, count), on any thread.
using ParallelFor = std::function<void(size_t count, const std::function<void(size_t)>& fn)>;

/// out[m, n] = Σ_k x[m, k] · w[n, k] + bias[n]; bias may be null. `threads` guides how finely the work is cut.
void intMatMul(Kernel kernel, const float* x, int64_t m, const IntMatrix& w, const float* bias, float* out,
               int threads, const ParallelFor& parallelFor);

}  // namespace haetae
