// Every C++ exception becomes a JavaScript Error whose `code` is one of haetae's error codes.
//
// Our own checks throw Failure with a code; what FAISS, the allocator or the standard library throws is
// translated here, once. FAISS's text carries the function and the path of its build: only the reason is kept.
#pragma once

#include <faiss/impl/FaissException.h>
#include <napi.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

namespace haetae {

struct Failure : std::runtime_error {
  std::string code;
  Failure(std::string code_, const std::string& message) : std::runtime_error(message), code(std::move(code_)) {}
};

inline Failure parameterFailure(const std::string& message) { return Failure("RETRIEVAL_PARAMETER", message); }
inline Failure invalidFailure(const std::string& message) { return Failure("INDEX_INVALID", message); }
inline Failure faissFailure(const std::string& message) { return Failure("FAISS_ERROR", message); }

/// `Error in FUNCTION at FILE:LINE: Error: REASON` → `REASON`
inline std::string reasonOf(const std::string& text) {
  if (text.rfind("Error in ", 0) != 0) return text;
  for (size_t at = text.find(':'); at != std::string::npos; at = text.find(':', at + 1)) {
    const size_t end = text.find_first_not_of("0123456789", at + 1);
    if (end == std::string::npos || end == at + 1 || text.compare(end, 2, ": ") != 0) continue;
    const std::string reason = text.substr(end + 2);
    return reason.rfind("Error: ", 0) == 0 ? reason.substr(7) : reason;
  }
  return text;
}

/// The exception being handled, as a Failure. Call it inside a catch block only.
inline Failure currentFailure() {
  try {
    throw;
  } catch (const Failure& failure) {
    return failure;
  } catch (const faiss::FaissException& error) {
    return faissFailure("FAISS: " + reasonOf(error.what()));
  } catch (const std::bad_alloc&) {
    return faissFailure("there is not enough memory for this operation");
  } catch (const std::exception& error) {
    return faissFailure(error.what());
  } catch (...) {
    return faissFailure("an unknown exception was thrown");
  }
}

inline Napi::Error toError(Napi::Env env, const Failure& failure) {
  Napi::Error error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code));
  return error;
}

/// Runs `body`; nothing but a Napi::Error leaves it.
template <class Body>
auto guard(Napi::Env env, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw toError(env, currentFailure());
  }
}

}  // namespace haetae
