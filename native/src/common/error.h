// Errors of the engine: a code a program can match, a message naming function, argument, expected and got.
#pragma once

#include <stdexcept>
#include <string>

namespace attensor {

enum class ErrorKind { kError, kType, kRange };

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const char* code, const std::string& message)
      : std::runtime_error(message), kind(kind), code(code) {}
  ErrorKind kind;
  const char* code;
};

/// A value of the right type that does not fit: lengths, indices, field elements.
inline Error RangeError(const std::string& message) { return {ErrorKind::kRange, "OUT_OF_RANGE", message}; }
inline Error TypeError(const std::string& message) { return {ErrorKind::kType, "WRONG_TYPE", message}; }
/// A call at the wrong time (after the last round, while another call runs).
inline Error StateError(const std::string& message) { return {ErrorKind::kError, "WRONG_STATE", message}; }
inline Error Cancelled(const std::string& where) {
  return {ErrorKind::kError, "CANCELLED", where + ": cancelled by the caller's signal"};
}

inline void Require(bool ok, const std::string& message) {
  if (!ok) throw RangeError(message);
}

}  // namespace attensor
