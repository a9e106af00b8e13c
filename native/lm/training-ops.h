// The operators that training graphs add to domain `haetae`.
#pragma once

#include <memory>
#include <vector>

#include "operator.h"

namespace haetae {

std::vector<std::shared_ptr<CustomOp>> trainingOps(const Settings& settings);

}  // namespace haetae
