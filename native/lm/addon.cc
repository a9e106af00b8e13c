// ONNX Runtime sessions with our own operators, and with outputs that are written where the caller wants them.
//
//   new Session({ library, model, threads, logSeverityLevel, kernel, config, weights, arena })
//     weights             [{ name, type, shape, path, offset, length }]: initializers to read into memory
//     .inputs, .outputs   [{ name, type, shape }]
//     .run(feeds, outputs, into) → { name: { type, shape, data } }
//     .close()
//   bestKernel() → 'amx' | 'vnni' | 'none'
//   gemmPrecisions() → those of 0, 1, 3 that Gemm can compute with here
//   argmax(float32Array)
//   adviseHugePages(uint8Array)       before it is touched
//   adviseHeap()                      what is in use already
//
// `run` blocks the thread it is called on. A buffer of `into` may be that of a feed: a KV cache that is read and
// extended in place. The one environment of ONNX Runtime is shared with onnxruntime-node and never released.
#include <napi.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "argmax.h"
#include "custom-ops.h"
#include "gemm.h"
#include "weight-memory.h"

namespace haetae {
namespace {

using namespace ort;

struct Releaser {
  void operator()(OrtSession* p) const { Api::get<ReleaseSession>()(p); }
  void operator()(OrtSessionOptions* p) const { Api::get<ReleaseSessionOptions>()(p); }
  void operator()(OrtValue* p) const { Api::get<ReleaseValue>()(p); }
  void operator()(OrtTypeInfo* p) const { Api::get<ReleaseTypeInfo>()(p); }
  void operator()(OrtTensorInfo* p) const { Api::get<ReleaseTensorInfo>()(p); }
};

template <typename T>
using Owned = std::unique_ptr<T, Releaser>;

struct TypeRow {
  ElementType element;
  const char* name;
  napi_typedarray_type array;
  size_t bytes;
};

constexpr TypeRow typeTable[] = {
    {float32, "float32", napi_float32_array, 4}, {int64, "int64", napi_bigint64_array, 8},
    {int32, "int32", napi_int32_array, 4},       {uint8, "uint8", napi_uint8_array, 1},
    {int8, "int8", napi_int8_array, 1},          {float16, "float16", napi_uint16_array, 2},
};

const TypeRow& typeOf(ElementType element) {
  for (const auto& row : typeTable)
    if (row.element == element) return row;
  throw Error("tensors of ONNX element type " + std::to_string(element) + " are not supported");
}

const TypeRow& typeOf(const std::string& name) {
  for (const auto& row : typeTable)
    if (name == row.name) return row;
  throw Error("tensors of type " + name + " are not supported");
}

OrtEnv* environment() {
  static OrtEnv* env = [] {
    OrtEnv* made = nullptr;
    Api::call<CreateEnv>(3, "haetae", &made);
    return made;
  }();
  return env;
}

const OrtMemoryInfo* cpuMemory() {
  static OrtMemoryInfo* info = [] {
    OrtMemoryInfo* made = nullptr;
    Api::call<CreateCpuMemoryInfo>(1, 0, &made);
    return made;
  }();
  return info;
}

struct Port {
  std::string name;
  ElementType element = undefinedType;
  std::vector<int64_t> shape;
  std::vector<std::string> symbols;
};

Kernel kernelFrom(const std::string& name) {
  const Kernel best = bestKernel();
  if (name == "auto") return best;
  if (name == "vnni" && best != Kernel::none) return Kernel::vnni;
  if (name == "amx" && best == Kernel::amx) return Kernel::amx;
  throw Error("this processor has no kernel \"" + name + "\"");
}

/// A tensor over the memory of a JavaScript value { type, shape, data }.
Owned<OrtValue> wrap(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) throw Error("tensor " + name + " is missing");
  const auto object = value.As<Napi::Object>();
  const TypeRow& type = typeOf(object.Get("type").As<Napi::String>().Utf8Value());
  const auto dims = object.Get("shape").As<Napi::Array>();
  int64_t shape[8];
  const uint32_t rank = dims.Length();
  if (rank > 8) throw Error("tensor " + name + " has more than 8 dimensions");
  size_t elements = 1;
  for (uint32_t i = 0; i < rank; i++) {
    shape[i] = dims.Get(i).As<Napi::Number>().Int64Value();
    if (shape[i] < 0) throw Error("tensor " + name + " has a negative dimension");
    elements *= static_cast<size_t>(shape[i]);
  }
  const Napi::Value array = object.Get("data");
  if (!array.IsTypedArray()) throw Error("tensor " + name + " has no typed array as its data");
  const auto data = array.As<Napi::TypedArray>();
  if (data.ByteLength() != elements * type.bytes)
    throw Error("tensor " + name + " takes " + std::to_string(elements * type.bytes) + " bytes, got " +
                std::to_string(data.ByteLength()));
  void* bytes = nullptr;  // asked for this way, it may also be shared memory
  NAPI_THROW_IF_FAILED(value.Env(),
                       napi_get_typedarray_info(value.Env(), array, nullptr, nullptr, &bytes, nullptr, nullptr),
                       Owned<OrtValue>());
  static uint8_t nothing[8];
  OrtValue* made = nullptr;
  Api::call<CreateTensorWithData>(cpuMemory(), elements == 0 ? static_cast<void*>(nothing) : bytes,
                                  elements * type.bytes, static_cast<const int64_t*>(shape), size_t{rank},
                                  type.element, &made);
  return Owned<OrtValue>(made);
}

Napi::Object unwrap(Napi::Env env, OrtValue* value) {
  OrtTensorInfo* raw = nullptr;
  Api::call<GetTensorTypeAndShape>(static_cast<const OrtValue*>(value), &raw);
  const Owned<OrtTensorInfo> info(raw);
  ElementType element = undefinedType;
  size_t rank = 0;
  Api::call<GetTensorElementType>(static_cast<const OrtTensorInfo*>(raw), &element);
  Api::call<GetDimensionsCount>(static_cast<const OrtTensorInfo*>(raw), &rank);
  std::vector<int64_t> shape(rank);
  Api::call<GetDimensions>(static_cast<const OrtTensorInfo*>(raw), shape.data(), rank);
  const TypeRow& type = typeOf(element);
  size_t elements = 1;
  auto dims = Napi::Array::New(env, rank);
  for (size_t i = 0; i < rank; i++) {
    elements *= static_cast<size_t>(shape[i]);
    dims.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(shape[i])));
  }
  void* data = nullptr;
  Api::call<GetTensorMutableData>(value, &data);
  auto buffer = Napi::ArrayBuffer::New(env, elements * type.bytes);
  if (elements > 0) std::memcpy(buffer.Data(), data, elements * type.bytes);
  napi_value array;
  NAPI_THROW_IF_FAILED(env, napi_create_typedarray(env, type.array, elements, buffer, 0, &array), Napi::Object());
  auto object = Napi::Object::New(env);
  object.Set("type", type.name);
  object.Set("shape", dims);
  object.Set("data", Napi::Value(env, array));
  return object;
}

class Session : public Napi::ObjectWrap<Session> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Session",
                       {InstanceAccessor("inputs", &Session::inputs, nullptr),
                        InstanceAccessor("outputs", &Session::outputs, nullptr),
                        InstanceAccessor("kernel", &Session::kernel, nullptr), InstanceMethod("run", &Session::run),
                        InstanceMethod("close", &Session::close)});
  }

  explicit Session(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Session>(info) {
    guarded(info.Env(), [&] {
      const auto given = info[0].As<Napi::Object>();
      Api::load(given.Get("library").As<Napi::String>().Utf8Value());
      kernel_ = kernelFrom(given.Get("kernel").As<Napi::String>().Utf8Value());
      const int threads = given.Get("threads").As<Napi::Number>().Int32Value();
      OrtSessionOptions* raw = nullptr;
      Api::call<CreateSessionOptions>(&raw);
      const Owned<OrtSessionOptions> options(raw);
      Api::call<SetSessionGraphOptimizationLevel>(raw, 99);
      Api::call<SetIntraOpNumThreads>(raw, threads);
      Api::call<SetInterOpNumThreads>(raw, 1);
      // Steps come in many shapes: plans for each, and an arena that grows by doubling, cost 16 MB and no less time.
      // Training graphs have one shape, and large values to hand on from node to node.
      if (!given.Get("arena").ToBoolean()) Api::call<DisableCpuMemArena>(raw);
      Api::call<DisableMemPattern>(raw);
      Api::call<SetSessionLogSeverityLevel>(raw, given.Get("logSeverityLevel").As<Napi::Number>().Int32Value());
      const auto profile = given.Get("profile");
      if (profile.IsString()) Api::call<EnableProfiling>(raw, profile.As<Napi::String>().Utf8Value().c_str());
      const auto config = given.Get("config").As<Napi::Object>();
      const auto keys = config.GetPropertyNames();
      for (uint32_t i = 0; i < keys.Length(); i++) {
        const auto key = keys.Get(i).As<Napi::String>().Utf8Value();
        const auto value = config.Get(key).As<Napi::String>().Utf8Value();
        Api::call<AddSessionConfigEntry>(raw, key.c_str(), value.c_str());
      }
      addCustomOps(raw, kernel_, threads);
      const auto weights = given.Get("weights").As<Napi::Array>();
      size_t bytes = 0;
      for (uint32_t i = 0; i < weights.Length(); i++) bytes += sizeOf(weights.Get(i).As<Napi::Object>());
      memory_ = std::make_unique<WeightMemory>(bytes, weights.Length());
      for (uint32_t i = 0; i < weights.Length(); i++) addWeight(raw, weights.Get(i).As<Napi::Object>());
      OrtSession* session = nullptr;
      const auto model = given.Get("model");
      if (model.IsString()) {
        const auto path = model.As<Napi::String>().Utf8Value();
        Api::call<CreateSession>(static_cast<const OrtEnv*>(environment()), path.c_str(),
                                 static_cast<const OrtSessionOptions*>(raw), &session);
      } else {
        const auto bytes = model.As<Napi::Uint8Array>();
        Api::call<CreateSessionFromArray>(static_cast<const OrtEnv*>(environment()),
                                          static_cast<const void*>(bytes.Data()), bytes.ByteLength(),
                                          static_cast<const OrtSessionOptions*>(raw), &session);
      }
      session_.reset(session);
      inputs_ = describe<SessionGetInputCount, SessionGetInputName, SessionGetInputTypeInfo>();
      outputs_ = describe<SessionGetOutputCount, SessionGetOutputName, SessionGetOutputTypeInfo>();
    });
  }

 private:
  static size_t sizeOf(const Napi::Object& weight) {
    return static_cast<size_t>(weight.Get("length").As<Napi::Number>().Int64Value());
  }

  /// An initializer { name, type, shape, path, offset, length } whose bytes are read now.
  void addWeight(OrtSessionOptions* options, const Napi::Object& weight) {
    const auto name = weight.Get("name").As<Napi::String>().Utf8Value();
    const TypeRow& type = typeOf(weight.Get("type").As<Napi::String>().Utf8Value());
    const auto dims = weight.Get("shape").As<Napi::Array>();
    std::vector<int64_t> shape(dims.Length());
    size_t elements = 1;
    for (uint32_t i = 0; i < dims.Length(); i++) {
      shape[i] = dims.Get(i).As<Napi::Number>().Int64Value();
      elements *= static_cast<size_t>(shape[i]);
    }
    const size_t length = sizeOf(weight);
    if (elements * type.bytes != length) throw Error("weight " + name + " does not have the size its shape gives");
    void* data = memory_->read(weight.Get("path").As<Napi::String>().Utf8Value(),
                               static_cast<size_t>(weight.Get("offset").As<Napi::Number>().Int64Value()), length);
    OrtValue* value = nullptr;
    Api::call<CreateTensorWithData>(cpuMemory(), data, length, static_cast<const int64_t*>(shape.data()),
                                    shape.size(), type.element, &value);
    weights_.emplace_back(value);
    Api::call<AddInitializer>(options, name.c_str(), static_cast<const OrtValue*>(value));
  }

  /// Errors of ONNX Runtime as JavaScript errors.
  template <typename Work>
  static void guarded(Napi::Env env, Work work) {
    try {
      work();
    } catch (const Napi::Error&) {
      throw;
    } catch (const std::exception& error) {
      throw Napi::Error::New(env, error.what());
    }
  }

  template <typename Count, typename Name, typename Info>
  std::vector<Port> describe() const {
    const OrtSession* session = session_.get();
    size_t count = 0;
    Api::call<Count>(session, &count);
    OrtAllocator* allocator = nullptr;
    Api::call<GetDefaultAllocator>(&allocator);
    std::vector<Port> values(count);
    for (size_t i = 0; i < count; i++) {
      char* name = nullptr;
      Api::call<Name>(session, i, allocator, &name);
      values[i].name = name;
      Api::call<AllocatorFree>(allocator, static_cast<void*>(name));
      OrtTypeInfo* raw = nullptr;
      Api::call<Info>(session, i, &raw);
      const Owned<OrtTypeInfo> info(raw);
      const OrtTensorInfo* tensor = nullptr;
      Api::call<CastTypeInfoToTensorInfo>(static_cast<const OrtTypeInfo*>(raw), &tensor);
      if (!tensor) throw Error("\"" + values[i].name + "\" of the ONNX model is not a tensor");
      Api::call<GetTensorElementType>(tensor, &values[i].element);
      size_t rank = 0;
      Api::call<GetDimensionsCount>(tensor, &rank);
      values[i].shape.resize(rank);
      std::vector<const char*> symbols(rank, "");
      Api::call<GetDimensions>(tensor, values[i].shape.data(), rank);
      Api::call<GetSymbolicDimensions>(tensor, symbols.data(), rank);
      values[i].symbols.assign(symbols.begin(), symbols.end());
    }
    return values;
  }

  Napi::Value listOf(Napi::Env env, const std::vector<Port>& values) const {
    auto list = Napi::Array::New(env, values.size());
    for (uint32_t i = 0; i < values.size(); i++) {
      const Port& value = values[i];
      auto object = Napi::Object::New(env);
      object.Set("name", value.name);
      object.Set("type", typeName(value.element));
      auto shape = Napi::Array::New(env, value.shape.size());
      for (uint32_t j = 0; j < value.shape.size(); j++) {
        if (value.shape[j] >= 0) shape.Set(j, Napi::Number::New(env, static_cast<double>(value.shape[j])));
        else shape.Set(j, value.symbols[j]);
      }
      object.Set("shape", shape);
      list.Set(i, object);
    }
    return list;
  }

  static std::string typeName(ElementType element) {
    for (const auto& row : typeTable)
      if (row.element == element) return row.name;
    return "type " + std::to_string(element);
  }

  Napi::Value inputs(const Napi::CallbackInfo& info) { return listOf(info.Env(), inputs_); }
  Napi::Value outputs(const Napi::CallbackInfo& info) { return listOf(info.Env(), outputs_); }
  Napi::Value kernel(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), kernelName(kernel_)); }

  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    auto results = Napi::Object::New(env);
    guarded(env, [&] {
      const auto feeds = info[0].As<Napi::Object>();
      const auto wanted = info[1].As<Napi::Array>();
      const auto into = info[2].As<Napi::Object>();
      std::vector<const char*> inputNames, outputNames;
      std::vector<Owned<OrtValue>> owned;
      std::vector<const OrtValue*> inputs;
      owned.reserve(inputs_.size());
      for (const Port& value : inputs_) {
        owned.push_back(wrap(feeds.Get(value.name), value.name));
        inputNames.push_back(value.name.c_str());
        inputs.push_back(owned.back().get());
      }
      std::vector<std::string> names;
      for (uint32_t i = 0; i < wanted.Length(); i++) names.push_back(wanted.Get(i).As<Napi::String>().Utf8Value());
      const size_t fresh = names.size();
      std::vector<OrtValue*> values(fresh, nullptr);
      std::vector<Owned<OrtValue>> places;
      const auto keys = into.GetPropertyNames();
      for (uint32_t i = 0; i < keys.Length(); i++) {
        names.push_back(keys.Get(i).As<Napi::String>().Utf8Value());
        places.push_back(wrap(into.Get(names.back()), names.back()));
        values.push_back(places.back().get());
      }
      for (const auto& name : names) outputNames.push_back(name.c_str());
      // Not before: what was read above may be accessors, which may close it.
      if (!session_) throw Error("the session is closed");
      Api::call<Run>(session_.get(), static_cast<const void*>(nullptr), inputNames.data(), inputs.data(),
                     inputs.size(), outputNames.data(), outputNames.size(), values.data());
      std::vector<Owned<OrtValue>> made;
      for (size_t i = 0; i < fresh; i++) made.emplace_back(values[i]);
      for (size_t i = 0; i < fresh; i++) results.Set(names[i], unwrap(env, values[i]));
    });
    return results;
  }

  void close(const Napi::CallbackInfo&) {
    session_.reset();
    weights_.clear();
    memory_.reset();
  }

  // In this order: the session ends before its weights, and those before their memory.
  std::unique_ptr<WeightMemory> memory_;
  std::vector<Owned<OrtValue>> weights_;
  Owned<OrtSession> session_;
  std::vector<Port> inputs_, outputs_;
  Kernel kernel_ = Kernel::none;
};

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("Session", Session::define(env));
  exports.Set("bestKernel", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                return Napi::String::New(info.Env(), kernelName(bestKernel()));
              }));
  exports.Set("gemmPrecisions", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                auto precisions = Napi::Array::New(info.Env());
                for (const int precision : {0, 1, 3})
                  if (hasGemmPrecision(precision)) precisions.Set(precisions.Length(), precision);
                return precisions;
              }));
  exports.Set("argmax", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                const auto values = info[0].As<Napi::Float32Array>();
                const int64_t best = argmax(values.Data(), static_cast<int64_t>(values.ElementLength()));
                return Napi::Number::New(info.Env(), static_cast<double>(best));
              }));
  exports.Set("adviseHugePages", Napi::Function::New(env, [](const Napi::CallbackInfo& info) {
                auto bytes = info[0].As<Napi::Uint8Array>();  // of shared memory too, which is no Napi::ArrayBuffer
                adviseHugePages(bytes.Data(), bytes.ByteLength());
              }));
  exports.Set("adviseHeap", Napi::Function::New(env, [](const Napi::CallbackInfo&) { adviseHeap(); }));
  return exports;
}

}  // namespace
}  // namespace haetae

static Napi::Object initialise(Napi::Env env, Napi::Object exports) { return haetae::init(env, exports); }
NODE_API_MODULE(haetae_lm, initialise)
