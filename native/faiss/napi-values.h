// From JavaScript values to checked C++ ones, and hits back. Everything refused here is the caller's mistake.
#pragma once

#include <napi.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "failure.h"
#include "search.h"

namespace haetae {

inline std::string plural(size_t n, const char* what) { return std::to_string(n) + " " + what; }

inline int64_t wholeNumber(const Napi::Value& value, const char* name, int64_t min, int64_t max) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  if (!(number >= static_cast<double>(min) && number <= static_cast<double>(max)) || number != std::floor(number))
    throw parameterFailure(std::string(name) + " must be a whole number from " + std::to_string(min) + " to " +
                           std::to_string(max) + ", got " + value.ToString().Utf8Value().substr(0, 60));
  return static_cast<int64_t>(number);
}

inline std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) throw parameterFailure(std::string(name) + " must be a string");
  return value.As<Napi::String>().Utf8Value();
}

/// A path; a zero byte in it would silently cut it.
inline std::string path(const Napi::Value& value) {
  std::string name = text(value, "the file name");
  if (name.empty() || name.find('\0') != std::string::npos)
    throw parameterFailure("the file name is empty or holds a zero byte");
  return name;
}

inline bool isFloat32Array(const Napi::Value& value) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
}

/// n vectors of dimension d: a view of a Float32Array, or a copy of an array of numbers.
struct Matrix {
  std::vector<float> copy;
  const float* data = nullptr;
  size_t length = 0;
  int64_t n = 0;

  Matrix(const Napi::Value& value, int d, const char* name, bool own) {
    if (isFloat32Array(value)) {
      const auto array = value.As<Napi::Float32Array>();
      length = array.ElementLength();
      if (own) copy.assign(array.Data(), array.Data() + length);
      data = own ? copy.data() : array.Data();
    } else if (value.IsArray()) {
      const auto array = value.As<Napi::Array>();
      length = array.Length();
      copy.resize(length);
      for (size_t i = 0; i < length; i++) {
        Napi::HandleScope scope(value.Env());
        const Napi::Value item = array.Get(static_cast<uint32_t>(i));
        if (!item.IsNumber())
          throw parameterFailure(std::string(name) + " must hold numbers only; element " + std::to_string(i) +
                                 " is something else");
        copy[i] = item.As<Napi::Number>().FloatValue();
      }
      data = copy.data();
    } else {
      throw parameterFailure(std::string(name) + " must be a Float32Array or an array of numbers");
    }
    if (length == 0) throw parameterFailure(std::string(name) + " is empty: give at least one vector");
    if (length % d != 0)
      throw Failure("RETRIEVAL_DIM_MISMATCH", "the index expects vectors of " + plural(d, "dimensions") + ", got " +
                                                  plural(length, "numbers") + ", which is no multiple of it");
    n = static_cast<int64_t>(length / d);
    for (size_t i = 0; i < length; i++)
      if (!std::isfinite(data[i]))
        throw parameterFailure(std::string(name) + " holds NaN or Infinity at position " + std::to_string(i) +
                               " (vector " + std::to_string(i / d) + ")");
  }
};

inline Parameters parametersFrom(const Napi::Value& value) {
  if (value.IsUndefined() || value.IsNull()) return {};
  return Parameters::parse(text(value, "the search parameters"));
}

/// Plain arrays for callers that gave one (as faiss-node does), else typed ones. Labels are 32-bit unless one
/// does not fit, which only ids chosen by the user can cause.
inline Napi::Object toObject(Napi::Env env, const SearchResult& result, bool typed) {
  Napi::Object object = Napi::Object::New(env);
  const size_t size = result.labels.size();
  if (!typed) {
    Napi::Array labels = Napi::Array::New(env, size), distances = Napi::Array::New(env, size);
    for (size_t i = 0; i < size; i++) {
      Napi::HandleScope scope(env);
      labels.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(result.labels[i])));
      distances.Set(static_cast<uint32_t>(i), Napi::Number::New(env, result.distances[i]));
    }
    object.Set("distances", distances);
    object.Set("labels", labels);
    return object;
  }
  auto distances = Napi::Float32Array::New(env, size);
  std::copy(result.distances.begin(), result.distances.end(), distances.Data());
  object.Set("distances", distances);
  const bool fits = std::all_of(result.labels.begin(), result.labels.end(),
                                [](int64_t label) { return label >= INT32_MIN && label <= INT32_MAX; });
  if (fits) {
    auto labels = Napi::Int32Array::New(env, size);
    std::copy(result.labels.begin(), result.labels.end(), labels.Data());
    object.Set("labels", labels);
  } else {
    auto labels = Napi::BigInt64Array::New(env, size);
    std::copy(result.labels.begin(), result.labels.end(), labels.Data());
    object.Set("labels", labels);
  }
  return object;
}

}  // namespace haetae
