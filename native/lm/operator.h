// What the operators of domain `haetae` are made of: tensors of a run, attributes of a node, and the table that ONNX
// Runtime calls an operator through.
//
//   struct ScaleOp : Operator<ScaleOp> {
//     using Operator::Operator;
//     static constexpr const char* name = "Scale";
//     static constexpr Input inputs[] = {{float32}, {int64, true}};
//     static constexpr size_t outputCount = 1;                          // float32, all of them
//     struct Kernel {
//       Kernel(Settings settings, const OrtKernelInfo* info);           // reads and checks attributes
//       void compute(OrtKernelContext* context) const;                  // throws Error: the run fails with its words
//     };
//   };
#pragma once

#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "int-matmul.h"
#include "ort-api.h"

namespace haetae {

using namespace ort;

template <typename T>
inline constexpr ElementType elementTypeOf = undefinedType;
template <>
inline constexpr ElementType elementTypeOf<float> = float32;
template <>
inline constexpr ElementType elementTypeOf<uint8_t> = uint8;
template <>
inline constexpr ElementType elementTypeOf<int32_t> = int32;
template <>
inline constexpr ElementType elementTypeOf<int64_t> = int64;

struct Tensor {
  const OrtValue* value = nullptr;
  std::vector<int64_t> shape;
  ElementType type = undefinedType;

  int64_t elements() const {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    return count;
  }

  /// Null for an optional input that is absent. ONNX Runtime checks types by what the graph declares, which need not
  /// be what a weight given beside it is.
  template <typename T>
  const T* data() const {
    void* data = nullptr;
    if (!value) return nullptr;
    if (type != elementTypeOf<T>)
      throw Error("an input has element type " + std::to_string(type) + ", not " + std::to_string(elementTypeOf<T>));
    Api::call<GetTensorMutableData>(const_cast<OrtValue*>(value), &data);
    return static_cast<const T*>(data);
  }
};

/// Absent: `value` is null. Optional inputs at the end may be missing altogether.
inline Tensor input(OrtKernelContext* context, size_t index) {
  Tensor tensor;
  size_t count = 0;
  Api::call<KernelContextGetInputCount>(static_cast<const OrtKernelContext*>(context), &count);
  if (index >= count) return tensor;
  Api::call<KernelContextGetInput>(static_cast<const OrtKernelContext*>(context), index, &tensor.value);
  if (!tensor.value) return tensor;
  OrtTensorInfo* info = nullptr;
  Api::call<GetTensorTypeAndShape>(tensor.value, &info);
  size_t rank = 0;
  Api::get<GetDimensionsCount>()(info, &rank);
  tensor.shape.resize(rank);
  Api::get<GetDimensions>()(info, tensor.shape.data(), rank);
  Api::get<GetTensorElementType>()(info, &tensor.type);
  Api::get<ReleaseTensorInfo>()(info);
  return tensor;
}

/// Where to write output `index`. @throws Error where the graph leaves it out
inline float* output(OrtKernelContext* context, size_t index, const std::vector<int64_t>& shape) {
  OrtValue* value = nullptr;
  Api::call<KernelContextGetOutput>(context, index, shape.data(), shape.size(), &value);
  if (!value) throw Error("output " + std::to_string(index) + " is left out");
  void* data = nullptr;
  Api::call<GetTensorMutableData>(value, &data);
  return static_cast<float*>(data);
}

inline int64_t rowsOf(const std::vector<int64_t>& shape) {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); i++) rows *= shape[i];
  return rows;
}

inline ParallelFor parallelForOf(OrtKernelContext* context) {
  return [context](size_t count, const std::function<void(size_t)>& fn) {
    Api::call<KernelContextParallelFor>(
        static_cast<const OrtKernelContext*>(context),
        +[](void* data, size_t i) { (*static_cast<const std::function<void(size_t)>*>(data))(i); }, count, size_t{0},
        const_cast<void*>(static_cast<const void*>(&fn)));
  };
}

/// Runs `work` and turns what it throws into a status.
template <typename Work>
Status guarded(Work work) {
  try {
    work();
    return nullptr;
  } catch (const std::exception& error) {
    return Api::get<CreateStatus>()(1, error.what());
  }
}

/// What a session's operators share.
struct Settings {
  haetae::Kernel kernel;
  int threads;
};

struct Input {
  ElementType type;
  bool optional = false;
};

/// What all operators have in common: `outputCount` float32 outputs, on the CPU, version 1, `Derived::Kernel` made from
/// the node's attributes and called for each run, by one thread at a time for each session.
template <typename Derived>
struct Operator : CustomOp {
  Settings settings;

  explicit Operator(Settings given) : CustomOp{}, settings(given) {
    version = 17;
    getName = [](const CustomOp*) { return Derived::name; };
    getExecutionProvider = [](const CustomOp*) -> const char* { return nullptr; };
    getInputType = [](const CustomOp*, size_t i) { return Derived::inputs[i].type; };
    getInputCount = [](const CustomOp*) { return std::size(Derived::inputs); };
    getInputCharacteristic = [](const CustomOp*, size_t i) { return Derived::inputs[i].optional ? 1 : 0; };
    getOutputType = [](const CustomOp*, size_t) { return float32; };
    getOutputCount = [](const CustomOp*) { return Derived::outputCount; };
    getOutputCharacteristic = [](const CustomOp*, size_t) { return 0; };
    getInputMemoryType = [](const CustomOp*, size_t) { return 0; };
    getStartVersion = [](const CustomOp*) { return 1; };
    getEndVersion = [](const CustomOp*) { return 1 << 20; };
    createKernelV2 = [](const CustomOp* op, const void*, const OrtKernelInfo* info, void** kernel) {
      return guarded([&] { *kernel = new typename Derived::Kernel(static_cast<const Operator*>(op)->settings, info); });
    };
    destroyKernel = [](void* kernel) { delete static_cast<typename Derived::Kernel*>(kernel); };
    computeV2 = [](void* kernel, OrtKernelContext* context) {
      return guarded([&] { static_cast<const typename Derived::Kernel*>(kernel)->compute(context); });
    };
  }
};

/// Attribute `name`. @throws Error where the node lacks it
inline int64_t integer(const OrtKernelInfo* info, const char* name) {
  int64_t value = 0;
  Api::call<KernelInfoGetInt64>(info, name, &value);
  return value;
}

/// @throws Error where the node lacks it
inline float number(const OrtKernelInfo* info, const char* name) {
  float value = 0;
  Api::call<KernelInfoGetFloat>(info, name, &value);
  return value;
}

/// @throws Error where the node lacks it
inline std::string text(const OrtKernelInfo* info, const char* name) {
  size_t size = 0;
  // Without room it says how much it takes, with the zero at the end, and may call that an error.
  if (const Status status = Api::get<KernelInfoGetString>()(info, name, nullptr, &size)) Api::get<ReleaseStatus>()(status);
  std::string value(size > 0 ? size : 1, '\0');
  size = value.size();
  Api::call<KernelInfoGetString>(info, name, value.data(), &size);
  value.resize(size > 0 ? size - 1 : 0);
  return value;
}

/// The same where the attribute may be missing.
inline int64_t integer(const OrtKernelInfo* info, const char* name, int64_t otherwise) {
  if (const Status status = Api::get<KernelInfoGetInt64>()(info, name, &otherwise)) Api::get<ReleaseStatus>()(status);
  return otherwise;
}

inline float number(const OrtKernelInfo* info, const char* name, float otherwise) {
  if (const Status status = Api::get<KernelInfoGetFloat>()(info, name, &otherwise)) Api::get<ReleaseStatus>()(status);
  return otherwise;
}

inline void require(bool holds, const std::string& otherwise) {
  if (!holds) throw Error(otherwise);
}

}  // namespace haetae
