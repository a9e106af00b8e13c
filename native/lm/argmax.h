#pragma once

#include <cstdint>

namespace haetae {

/// Index of the largest of `count` floats, the first of equals; −1 where none is above −∞. NaN is passed over.
int64_t argmax(const float* values, int64_t count);

}  // namespace haetae
