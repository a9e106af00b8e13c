// The part of ONNX Runtime's C API that is used here, by position.
//
// The library comes with the npm package onnxruntime-node; its headers do not. They are not needed: `OrtApi` is a
// table of functions that only ever grows at its end (the library asserts the positions of each release's last
// function), so a position is as stable as a name. Signatures are those of onnxruntime_c_api.h; handles are opaque.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace haetae::ort {

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtValue;
struct OrtMemoryInfo;
struct OrtTypeInfo;
struct OrtTensorInfo;
struct OrtAllocator;
struct OrtDomain;
struct OrtKernelInfo;
struct OrtKernelContext;
using Status = OrtStatus*;

enum ElementType : int32_t { undefinedType = 0, float32 = 1, uint8 = 2, int8 = 3, int32 = 6, int64 = 7, float16 = 10 };

/// Newest version whose functions are used (KernelContext_ParallelFor).
constexpr uint32_t apiVersion = 18;

struct ApiBase {
  const void* const* (*getApi)(uint32_t version);
  const char* (*getVersion)();
};

/// A function of the table: its position and its type.
template <size_t Position, typename Function>
struct Entry {
  static constexpr size_t position = Position;
  using type = Function;
};

using CreateStatus = Entry<0, Status (*)(int code, const char* message)>;
using GetErrorMessage = Entry<2, const char* (*)(const OrtStatus*)>;
using CreateEnv = Entry<3, Status (*)(int severity, const char* name, OrtEnv**)>;
using CreateSession = Entry<7, Status (*)(const OrtEnv*, const char* path, const OrtSessionOptions*, OrtSession**)>;
using CreateSessionFromArray =
    Entry<8, Status (*)(const OrtEnv*, const void*, size_t, const OrtSessionOptions*, OrtSession**)>;
using Run = Entry<9, Status (*)(OrtSession*, const void* options, const char* const* inputNames,
                                const OrtValue* const* inputs, size_t inputCount, const char* const* outputNames,
                                size_t outputCount, OrtValue** outputs)>;
using CreateSessionOptions = Entry<10, Status (*)(OrtSessionOptions**)>;
using EnableProfiling = Entry<14, Status (*)(OrtSessionOptions*, const char* prefix)>;
using DisableMemPattern = Entry<17, Status (*)(OrtSessionOptions*)>;
using DisableCpuMemArena = Entry<19, Status (*)(OrtSessionOptions*)>;
using SetSessionLogSeverityLevel = Entry<22, Status (*)(OrtSessionOptions*, int)>;
using SetSessionGraphOptimizationLevel = Entry<23, Status (*)(OrtSessionOptions*, int)>;
using SetIntraOpNumThreads = Entry<24, Status (*)(OrtSessionOptions*, int)>;
using SetInterOpNumThreads = Entry<25, Status (*)(OrtSessionOptions*, int)>;
using CreateCustomOpDomain = Entry<26, Status (*)(const char*, OrtDomain**)>;
using CustomOpDomainAdd = Entry<27, Status (*)(OrtDomain*, const struct CustomOp*)>;
using AddCustomOpDomain = Entry<28, Status (*)(OrtSessionOptions*, OrtDomain*)>;
using SessionGetInputCount = Entry<30, Status (*)(const OrtSession*, size_t*)>;
using SessionGetOutputCount = Entry<31, Status (*)(const OrtSession*, size_t*)>;
using SessionGetInputTypeInfo = Entry<33, Status (*)(const OrtSession*, size_t, OrtTypeInfo**)>;
using SessionGetOutputTypeInfo = Entry<34, Status (*)(const OrtSession*, size_t, OrtTypeInfo**)>;
using SessionGetInputName = Entry<36, Status (*)(const OrtSession*, size_t, OrtAllocator*, char**)>;
using SessionGetOutputName = Entry<37, Status (*)(const OrtSession*, size_t, OrtAllocator*, char**)>;
using CreateTensorWithData =
    Entry<49, Status (*)(const OrtMemoryInfo*, void*, size_t, const int64_t*, size_t, ElementType, OrtValue**)>;
using GetTensorMutableData = Entry<51, Status (*)(OrtValue*, void**)>;
using CastTypeInfoToTensorInfo = Entry<55, Status (*)(const OrtTypeInfo*, const OrtTensorInfo**)>;
using GetTensorElementType = Entry<60, Status (*)(const OrtTensorInfo*, ElementType*)>;
using GetDimensionsCount = Entry<61, Status (*)(const OrtTensorInfo*, size_t*)>;
using GetDimensions = Entry<62, Status (*)(const OrtTensorInfo*, int64_t*, size_t)>;
using GetSymbolicDimensions = Entry<63, Status (*)(const OrtTensorInfo*, const char**, size_t)>;
using GetTensorTypeAndShape = Entry<65, Status (*)(const OrtValue*, OrtTensorInfo**)>;
using CreateCpuMemoryInfo = Entry<69, Status (*)(int allocatorType, int memoryType, OrtMemoryInfo**)>;
using AllocatorFree = Entry<76, Status (*)(OrtAllocator*, void*)>;
using GetDefaultAllocator = Entry<78, Status (*)(OrtAllocator**)>;
using KernelInfoGetFloat = Entry<85, Status (*)(const OrtKernelInfo*, const char*, float*)>;
using KernelInfoGetInt64 = Entry<86, Status (*)(const OrtKernelInfo*, const char*, int64_t*)>;
using KernelInfoGetString = Entry<87, Status (*)(const OrtKernelInfo*, const char*, char* out, size_t* size)>;
using KernelContextGetInput = Entry<90, Status (*)(const OrtKernelContext*, size_t, const OrtValue**)>;
using KernelContextGetOutput =
    Entry<91, Status (*)(OrtKernelContext*, size_t, const int64_t*, size_t, OrtValue**)>;
using KernelContextGetInputCount = Entry<88, Status (*)(const OrtKernelContext*, size_t*)>;
using ReleaseEnv = Entry<92, void (*)(OrtEnv*)>;
using ReleaseStatus = Entry<93, void (*)(OrtStatus*)>;
using ReleaseMemoryInfo = Entry<94, void (*)(OrtMemoryInfo*)>;
using ReleaseSession = Entry<95, void (*)(OrtSession*)>;
using ReleaseValue = Entry<96, void (*)(OrtValue*)>;
using ReleaseTypeInfo = Entry<98, void (*)(OrtTypeInfo*)>;
using ReleaseTensorInfo = Entry<99, void (*)(OrtTensorInfo*)>;
using ReleaseSessionOptions = Entry<100, void (*)(OrtSessionOptions*)>;
using ReleaseCustomOpDomain = Entry<101, void (*)(OrtDomain*)>;
using AddSessionConfigEntry = Entry<130, Status (*)(OrtSessionOptions*, const char* key, const char* value)>;
using AddInitializer = Entry<150, Status (*)(OrtSessionOptions*, const char* name, const OrtValue*)>;
using KernelContextParallelFor = Entry<274, Status (*)(const OrtKernelContext*, void (*)(void*, size_t), size_t total,
                                                       size_t batches, void* data)>;

/// `OrtCustomOp` up to version 17; the library reads no further than `version` says.
struct CustomOp {
  uint32_t version;
  void* (*createKernel)(const CustomOp*, const void* api, const OrtKernelInfo*);
  const char* (*getName)(const CustomOp*);
  const char* (*getExecutionProvider)(const CustomOp*);
  ElementType (*getInputType)(const CustomOp*, size_t);
  size_t (*getInputCount)(const CustomOp*);
  ElementType (*getOutputType)(const CustomOp*, size_t);
  size_t (*getOutputCount)(const CustomOp*);
  void (*compute)(void* kernel, OrtKernelContext*);
  void (*destroyKernel)(void* kernel);
  int (*getInputCharacteristic)(const CustomOp*, size_t);   // 0 required, 1 optional
  int (*getOutputCharacteristic)(const CustomOp*, size_t);
  int (*getInputMemoryType)(const CustomOp*, size_t);
  int (*getVariadicInputMinArity)(const CustomOp*);
  int (*getVariadicInputHomogeneity)(const CustomOp*);
  int (*getVariadicOutputMinArity)(const CustomOp*);
  int (*getVariadicOutputHomogeneity)(const CustomOp*);
  Status (*createKernelV2)(const CustomOp*, const void* api, const OrtKernelInfo*, void** kernel);
  Status (*computeV2)(void* kernel, OrtKernelContext*);
  Status (*inferOutputShape)(const CustomOp*, void*);
  int (*getStartVersion)(const CustomOp*);
  int (*getEndVersion)(const CustomOp*);
  size_t (*getMayInplace)(int**, int**);
  void (*releaseMayInplace)(int*, int*);
  size_t (*getAliasMap)(int**, int**);
  void (*releaseAliasMap)(int*, int*);
};

/// What ONNX Runtime said.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The table, once the library is loaded.
class Api {
 public:
  /// Loads the library at `path` (or finds it loaded). @throws Error
  static void load(const std::string& path);
  static const char* version();

  template <typename E>
  static typename E::type get() {
    return reinterpret_cast<typename E::type>(const_cast<void*>(table_[E::position]));
  }

  /// Calls a function that returns a status. @throws Error
  template <typename E, typename... Arguments>
  static void call(Arguments... arguments) {
    if (Status status = get<E>()(arguments...)) fail(status);
  }

 private:
  [[noreturn]] static void fail(Status status);
  static const void* const* table_;
  static const ApiBase* base_;
};

}  // namespace haetae::ort
