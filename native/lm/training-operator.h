// What operators of training share: outputs in place of inputs, and words about inputs that do not fit together.
#pragma once

#include <string>
#include <vector>

#include "operator.h"

namespace haetae {

/// An operator whose output `To` may take the memory of input `From`, where nothing else reads that.
template <typename Derived, int From, int To>
struct InPlaceOperator : Operator<Derived> {
  explicit InPlaceOperator(const Settings& settings) : Operator<Derived>(settings) {
    this->version = 18;
    this->getMayInplace = [](int** from, int** to) -> size_t {
      *from = new int(From);
      *to = new int(To);
      return 1;
    };
    this->releaseMayInplace = [](int* from, int* to) {
      delete from;
      delete to;
    };
  }
};

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
