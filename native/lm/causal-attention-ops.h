// CausalAttention and CausalAttentionGrad of domain `haetae` (see causal-attention.h).
#pragma once

#include <memory>
#include <vector>

#include "operator.h"

namespace haetae {

std::vector<std::shared_ptr<CustomOp>> causalAttentionOps(const Settings& settings);

}  // namespace haetae
