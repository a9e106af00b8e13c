#include "ort-api.h"

#include <dlfcn.h>

namespace haetae::ort {

const void* const* Api::table_ = nullptr;
const ApiBase* Api::base_ = nullptr;

void Api::load(const std::string& path) {
  if (table_) return;
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw Error(dlerror());
  const auto getBase = reinterpret_cast<const ApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  if (!getBase) throw Error(path + " is not ONNX Runtime");
  base_ = getBase();
  table_ = base_->getApi(apiVersion);
  if (!table_) throw Error("ONNX Runtime " + std::string(base_->getVersion()) + " is too old");
}

const char* Api::version() { return base_ ? base_->getVersion() : ""; }

void Api::fail(Status status) {
  const std::string message = get<GetErrorMessage>()(status);
  get<ReleaseStatus>()(status);
  throw Error(message);
}

}  // namespace haetae::ort
