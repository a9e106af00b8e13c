// How operators of training tell of inputs that do not fit together.
#pragma once

#include <string>
#include <vector>

#include "operator.h"

namespace haetae {

inline std::string shapeText(const std::vector<int64_t>& shape) {
  std::string words;
  for (const int64_t size : shape) words += (words.empty() ? "" : ", ") + std::to_string(size);
  return "[" + words + "]";
}

inline std::string shapeText(const Tensor& tensor) { return shapeText(tensor.shape); }

/// @throws Error that names the operator, the input, and both shapes
inline void requireShape(const char* op, const char* input, const Tensor& tensor, const std::vector<int64_t>& shape) {
  if (tensor.shape != shape)
    throw Error(std::string(op) + ": " + input + " has to be " + shapeText(shape) + ", got " + shapeText(tensor));
}

/// @throws Error where `tensor` does not have `rank` dimensions
inline void requireRank(const char* op, const char* input, const Tensor& tensor, size_t rank) {
  if (tensor.shape.size() != rank)
    throw Error(std::string(op) + ": " + input + " has to have " + std::to_string(rank) + " dimensions, got " +
                shapeText(tensor));
}

}  // namespace haetae
