// The operators of domain `haetae` that sessions of this addon know.
#pragma once

#include "int-matmul.h"
#include "ort-api.h"

namespace haetae {

/// Makes them known to the sessions that are created with `options`. `threads` as the session has.
/// The domain lives as long as the program.
void addCustomOps(ort::OrtSessionOptions* options, Kernel kernel, int threads);

}  // namespace haetae
