#pragma once

#include <memory>

#include "operator.h"

namespace haetae {

/// Gemm (A, B, C?) → Y = alpha · op(A) · op(B) + C. Attributes transA, transB (0), alpha (1), precision (0): as in
/// gemm.h.
std::shared_ptr<CustomOp> gemmOp(const Settings& settings);

}  // namespace haetae
