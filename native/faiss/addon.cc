// The N-API face of FAISS: one class, `Index`, and a few functions. The named classes (IndexFlatIP, …) and
// types are in shared/retrieval/faiss/addon.ts.
//
// All state is per environment (instance data), so worker threads can load the addon too. A search in flight
// holds its own reference to the index, so the JavaScript object may be collected meanwhile.
#include <faiss/IndexIVF.h>
#include <faiss/impl/IDSelector.h>
#include <faiss/index_factory.h>
#include <napi.h>
#include <omp.h>

#include <shared_mutex>
#include <vector>

#include "descriptor.h"
#include "failure.h"
#include "flat-scan.h"
#include "napi-values.h"
#include "search.h"
#include "storage.h"

// OpenBLAS's own; not taken from <cblas.h>, which may belong to another BLAS.
extern "C" {
int openblas_get_num_threads(void);
void openblas_set_num_threads(int);
}

namespace haetae {
namespace {

using faiss::Index;
using idx_t = Index::idx_t;

/// OpenBLAS keeps one thread count for the process: it is changed only while nobody computes.
std::shared_mutex blasGate;

struct AddonData {
  Napi::FunctionReference indexConstructor;
  int threads = 1;
  /// What the next `new Index()` adopts: set by the statics, which construct through their `this`.
  std::shared_ptr<SharedIndex> adopted;
};

AddonData& dataOf(Napi::Env env) { return *env.GetInstanceData<AddonData>(); }

class SearchWorker : public Napi::AsyncWorker {
 public:
  SearchWorker(Napi::Env env, std::shared_ptr<SharedIndex> index, Matrix queries, int64_t k, Parameters parameters,
               int threads)
      : Napi::AsyncWorker(env, "haetae:faiss:search"),
        deferred_(Napi::Promise::Deferred::New(env)),
        index_(std::move(index)),
        queries_(std::move(queries)),
        k_(k),
        parameters_(parameters),
        threads_(threads) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override {
    try {
      std::shared_lock<std::shared_mutex> lock(blasGate);
      result_ = index_->search(queries_.data, queries_.n, k_, parameters_, threads_);
    } catch (...) {
      failure_ = std::make_unique<Failure>(currentFailure());
    }
  }

  /// In a worker thread that is being terminated no JavaScript value can be made: then nobody waits either,
  /// and the errors of N-API must end here.
  void OnOK() override {
    Napi::HandleScope scope(Env());
    try {
      settle();
    } catch (const Napi::Error& error) {
      try {
        deferred_.Reject(error.Value());
      } catch (const Napi::Error&) {
      }
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<SharedIndex> index_;
  Matrix queries_;
  int64_t k_;
  Parameters parameters_;
  int threads_;
  SearchResult result_;

  void settle() {
    if (failure_) deferred_.Reject(toError(Env(), *failure_).Value());
    else deferred_.Resolve(toObject(Env(), result_, true));
  }
  std::unique_ptr<Failure> failure_;
};

faiss::MetricType metricFrom(const Napi::Value& value) {
  if (value.IsUndefined()) return faiss::METRIC_L2;
  const int64_t metric = wholeNumber(value, "the metric", 0, 22);
  if (metric > faiss::METRIC_Lp && metric < faiss::METRIC_Canberra)
    throw parameterFailure("there is no metric " + std::to_string(metric));
  return static_cast<faiss::MetricType>(metric);
}

std::shared_ptr<SharedIndex> create(const Napi::Value& dims, const std::string& descriptor,
                                    const Napi::Value& metric) {
  const int d = static_cast<int>(wholeNumber(dims, "the dimension", 1, 1 << 16));
  const auto type = metricFrom(metric);
  checkDescriptor(descriptor, type);
  try {
    return std::make_shared<SharedIndex>(
        std::unique_ptr<Index>(faiss::index_factory(d, descriptor.c_str(), type)));
  } catch (const faiss::FaissException&) {
    throw parameterFailure("FAISS cannot build \"" + descriptor.substr(0, 100) + "\": " + currentFailure().what());
  }
}

class IndexObject : public Napi::ObjectWrap<IndexObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(
        env, "Index",
        {
            StaticMethod("read", &IndexObject::read),
            StaticMethod("fromBuffer", &IndexObject::fromBuffer),
            StaticMethod("fromFactory", &IndexObject::fromFactory),
            InstanceMethod("ntotal", &IndexObject::ntotal),
            InstanceMethod("getDimension", &IndexObject::getDimension),
            InstanceMethod("isTrained", &IndexObject::isTrained),
            InstanceMethod("isMapped", &IndexObject::mapped),
            InstanceMethod("metricType", &IndexObject::metricType),
            InstanceMethod("describe", &IndexObject::describe),
            InstanceMethod("add", &IndexObject::add),
            InstanceMethod("train", &IndexObject::train),
            InstanceMethod("search", &IndexObject::search),
            InstanceMethod("searchAsync", &IndexObject::searchAsync),
            InstanceMethod("setParameters", &IndexObject::setParameters),
            InstanceMethod("getParameters", &IndexObject::getParameters),
            InstanceMethod("reconstruct", &IndexObject::reconstruct),
            InstanceMethod("removeIds", &IndexObject::removeIds),
            InstanceMethod("mergeFrom", &IndexObject::mergeFrom),
            InstanceMethod("reset", &IndexObject::reset),
            InstanceMethod("write", &IndexObject::write),
            InstanceMethod("toBuffer", &IndexObject::toBuffer),
        });
  }

  /// (dimension, descriptor = "Flat", metric = L2), or what a static is about to hand over.
  explicit IndexObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<IndexObject>(info) {
    guard(info.Env(), [&] {
      AddonData& data = dataOf(info.Env());
      if (data.adopted) index_ = std::move(data.adopted);
      else index_ = create(info[0], info[1].IsUndefined() ? "Flat" : text(info[1], "the descriptor"), info[2]);
      data.adopted.reset();
    });
    account(info.Env());
  }

  void Finalize(Napi::Env env) override {
    if (accounted_ != 0) Napi::MemoryManagement::AdjustExternalMemory(env, -accounted_);
  }

 private:
  using Info = Napi::CallbackInfo;

  static Napi::Value adopt(const Info& info, std::shared_ptr<SharedIndex> index) {
    AddonData& data = dataOf(info.Env());
    data.adopted = std::move(index);
    try {
      const Napi::Value target = info.This();
      return target.IsFunction() ? target.As<Napi::Function>().New({}) : data.indexConstructor.New({});
    } catch (...) {
      data.adopted.reset();
      throw;
    }
  }

  static Napi::Value read(const Info& info) {
    return guard(info.Env(), [&] {
      const bool mmap = info[1].IsObject() && info[1].As<Napi::Object>().Get("mmap").ToBoolean();
      return adopt(info, std::make_shared<SharedIndex>(readIndex(path(info[0]), mmap)));
    });
  }

  static Napi::Value fromBuffer(const Info& info) {
    return guard(info.Env(), [&] {
      if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
        throw parameterFailure("fromBuffer takes a Buffer or a Uint8Array");
      const auto bytes = info[0].As<Napi::Uint8Array>();
      return adopt(info, std::make_shared<SharedIndex>(readIndex(bytes.Data(), bytes.ByteLength())));
    });
  }

  static Napi::Value fromFactory(const Info& info) {
    return guard(info.Env(), [&] { return adopt(info, create(info[0], text(info[1], "the descriptor"), info[2])); });
  }

  /// Tells the garbage collector how much memory hangs on this small object.
  void account(Napi::Env env) {
    const int64_t bytes = static_cast<int64_t>(residentBytes(index_->view()));
    if (bytes != accounted_) Napi::MemoryManagement::AdjustExternalMemory(env, bytes - accounted_);
    accounted_ = bytes;
  }

  void change(const Info& info, const std::function<void(Index&)>& body) {
    {
      std::shared_lock<std::shared_mutex> lock(blasGate);
      index_->change([&](Index& index) {
        omp_set_num_threads(dataOf(info.Env()).threads);
        body(index);
      });
    }
    account(info.Env());
  }

  Napi::Value ntotal(const Info& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(index_->view().ntotal));
  }
  Napi::Value getDimension(const Info& info) { return Napi::Number::New(info.Env(), index_->view().d); }
  Napi::Value isTrained(const Info& info) { return Napi::Boolean::New(info.Env(), index_->view().is_trained); }
  Napi::Value mapped(const Info& info) { return Napi::Boolean::New(info.Env(), isMapped(index_->view())); }
  Napi::Value metricType(const Info& info) { return Napi::Number::New(info.Env(), index_->view().metric_type); }
  Napi::Value describe(const Info& info) { return Napi::String::New(info.Env(), describeIndex(index_->view())); }

  void add(const Info& info) {
    guard(info.Env(), [&] {
      const Matrix vectors(info[0], index_->view().d, "the vectors", false);
      change(info, [&](Index& index) {
        if (!index.is_trained) throw faissFailure("the index is not trained: call train() before add()");
        if (isMapped(index)) throw faissFailure("a memory-mapped index is read-only");
        if (index.ntotal + vectors.n > INT32_MAX)
          throw faissFailure("an index holds at most 2,147,483,647 vectors");
        index.add(vectors.n, vectors.data);
      });
    });
  }

  void train(const Info& info) {
    guard(info.Env(), [&] {
      const Matrix vectors(info[0], index_->view().d, "the training vectors", false);
      change(info, [&](Index& index) {
        if (isMapped(index)) throw faissFailure("a memory-mapped index is read-only");
        index.train(vectors.n, vectors.data);
      });
    });
  }

  Napi::Value search(const Info& info) {
    return guard(info.Env(), [&]() -> Napi::Value {
      const Matrix queries(info[0], index_->view().d, "the queries", false);
      const int64_t k = wholeNumber(info[1], "k", 1, INT32_MAX);
      const Parameters parameters = parametersFrom(info[2]);
      SearchResult result;
      {
        std::shared_lock<std::shared_mutex> lock(blasGate);
        result = index_->search(queries.data, queries.n, k, parameters, dataOf(info.Env()).threads);
      }
      return toObject(info.Env(), result, isFloat32Array(info[0]));
    });
  }

  /// Wrong arguments throw at once, everything later rejects.
  Napi::Value searchAsync(const Info& info) {
    return guard(info.Env(), [&]() -> Napi::Value {
      Matrix queries(info[0], index_->view().d, "the queries", true);
      const int64_t k = wholeNumber(info[1], "k", 1, INT32_MAX);
      const Parameters parameters = parametersFrom(info[2]);
      auto* worker =
          new SearchWorker(info.Env(), index_, std::move(queries), k, parameters, dataOf(info.Env()).threads);
      const Napi::Promise promise = worker->promise();
      worker->Queue();  // the worker deletes itself when it is done
      return promise;
    });
  }

  void setParameters(const Info& info) {
    guard(info.Env(), [&] { index_->setDefaults(Parameters::parse(text(info[0], "the search parameters"))); });
  }
  Napi::Value getParameters(const Info& info) {
    return Napi::String::New(info.Env(), index_->defaults().toString());
  }

  /// (row, n = 1) → Float32Array [n · d]
  Napi::Value reconstruct(const Info& info) {
    return guard(info.Env(), [&]() -> Napi::Value {
      const Index& view = index_->view();
      if (view.ntotal == 0) throw parameterFailure("the index is empty");
      const int64_t row = wholeNumber(info[0], "the row", 0, view.ntotal - 1);
      const int64_t n = info[1].IsUndefined() ? 1 : wholeNumber(info[1], "the number of rows", 1, view.ntotal - row);
      auto vectors = Napi::Float32Array::New(info.Env(), static_cast<size_t>(n * view.d));
      change(info, [&](Index& index) {
        // Inverted lists have their own reconstruct_n; the general one throws inside FAISS's threads.
        if (dynamic_cast<faiss::IndexIVF*>(&index)) return index.reconstruct_n(row, n, vectors.Data());
        for (int64_t i = 0; i < n; i++) index.reconstruct(row + i, vectors.Data() + i * index.d);
      });
      return vectors;
    });
  }

  Napi::Value removeIds(const Info& info) {
    return guard(info.Env(), [&]() -> Napi::Value {
      std::vector<idx_t> ids;
      if (info[0].IsTypedArray() && info[0].As<Napi::TypedArray>().TypedArrayType() == napi_int32_array) {
        const auto array = info[0].As<Napi::Int32Array>();
        ids.assign(array.Data(), array.Data() + array.ElementLength());
      } else if (info[0].IsArray()) {
        const auto array = info[0].As<Napi::Array>();
        for (uint32_t i = 0; i < array.Length(); i++) {
          Napi::HandleScope scope(info.Env());
          ids.push_back(wholeNumber(array.Get(i), "an id", 0, int64_t{1} << 53));
        }
      } else {
        throw parameterFailure("removeIds takes an array of numbers or an Int32Array");
      }
      size_t removed = 0;
      change(info, [&](Index& index) {
        if (isMapped(index)) throw faissFailure("a memory-mapped index is read-only");
        removed = index.remove_ids(faiss::IDSelectorArray(ids.size(), ids.data()));
      });
      return Napi::Number::New(info.Env(), static_cast<double>(removed));
    });
  }

  void mergeFrom(const Info& info) {
    guard(info.Env(), [&] {
      const Napi::Function constructor = dataOf(info.Env()).indexConstructor.Value();
      if (!info[0].IsObject() || !info[0].As<Napi::Object>().InstanceOf(constructor))
        throw parameterFailure("mergeFrom takes another Index");
      IndexObject* other = Unwrap(info[0].As<Napi::Object>());
      if (other == nullptr || other->index_ == index_) throw parameterFailure("mergeFrom takes another Index");
      other->index_->change([&](Index& source) {
        change(info, [&](Index& index) {
          if (isMapped(index) || isMapped(source)) throw faissFailure("a memory-mapped index is read-only");
          index.check_compatible_for_merge(source);
          index.merge_from(source, index.ntotal);
        });
      });
      other->account(info.Env());
    });
  }

  void reset(const Info& info) {
    guard(info.Env(), [&] { change(info, [](Index& index) { index.reset(); }); });
  }

  void write(const Info& info) {
    guard(info.Env(), [&] {
      const std::string name = path(info[0]);
      change(info, [&](Index& index) { writeIndex(index, name); });
    });
  }

  Napi::Value toBuffer(const Info& info) {
    return guard(info.Env(), [&]() -> Napi::Value {
      std::vector<uint8_t> bytes;
      change(info, [&](Index& index) { bytes = serializeIndex(index); });
      return Napi::Buffer<uint8_t>::Copy(info.Env(), bytes.data(), bytes.size());
    });
  }

  std::shared_ptr<SharedIndex> index_;
  int64_t accounted_ = 0;
};

Napi::Value setOmpThreads(const Napi::CallbackInfo& info) {
  return guard(info.Env(), [&]() -> Napi::Value {
    const int threads = static_cast<int>(wholeNumber(info[0], "the number of threads", 1, 1024));
    dataOf(info.Env()).threads = threads;
    std::unique_lock<std::shared_mutex> lock(blasGate);
    if (openblas_get_num_threads() != threads) openblas_set_num_threads(threads);
    return info.Env().Undefined();
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* data = new AddonData();
  env.SetInstanceData(data);
  const Napi::Function constructor = IndexObject::define(env);
  data->indexConstructor = Napi::Persistent(constructor);
  exports.Set("Index", constructor);
  exports.Set("setOmpThreads", Napi::Function::New(env, setOmpThreads, "setOmpThreads"));
  exports.Set("faissVersion", Napi::String::New(env, std::to_string(FAISS_VERSION_MAJOR) + "." +
                                                         std::to_string(FAISS_VERSION_MINOR) + "." +
                                                         std::to_string(FAISS_VERSION_PATCH)));
  exports.Set("scanVariant", Napi::String::New(env, scanVariant()));
  return exports;
}

}  // namespace
}  // namespace haetae

Napi::Object initHaetaeFaiss(Napi::Env env, Napi::Object exports) { return haetae::init(env, exports); }
NODE_API_MODULE(haetae_faiss, initHaetaeFaiss)
