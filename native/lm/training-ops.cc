#include "training-ops.h"

namespace haetae {

std::vector<std::shared_ptr<CustomOp>> trainingOps(const Settings&) { return {}; }

}  // namespace haetae
