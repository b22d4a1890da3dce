// log.h: structured log lines: a constant message plus keys.
//
//   log::info("sequence preempted", {{"seq", id}, {"blocks", n}});
//   if (log::enabled(log::Level::kDebug)) log::debug("step", {{"tokens", count_tokens()}});
//
// Text:  2026-01-02T03:04:05.678Z INFO  sequence preempted seq=7 blocks=3
// JSON:  {"ts":"2026-01-02T03:04:05.678Z","level":"info","msg":"sequence
// preempted","seq":7,"blocks":3}
//
// Once per request at info, per step at debug behind enabled(), never prompts. Values of keys that
// name secrets (authorization, api_key, token, password, cookie, ...) are replaced by [redacted].
//
// Home:    thread-safe. A disabled level costs one relaxed load.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"

namespace nacelle::telemetry::log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };
enum class Format : std::uint8_t { kText, kJson };

// "debug", "info", "warn"/"warning", "error"/"critical", "off"; any case.
[[nodiscard]] Result<Level> parse_level(std::string_view name);

struct Config {
  Level level = Level::kInfo;
  Format format = Format::kText;
  std::string file;  // path to append to; "" = standard error
};

// Replaces the process's log. Errors: the file cannot be opened.
Status configure(const Config& config);
void set_level(Level level);
[[nodiscard]] Level level();
[[nodiscard]] bool enabled(Level level);

// Borrows strings: lives only as long as the call.
class Value {
 public:
  Value(bool value) : value_(value) {}  // NOLINT
  template <std::signed_integral T>
  Value(T value) : value_(static_cast<std::int64_t>(value)) {}  // NOLINT
  template <std::unsigned_integral T>
  Value(T value) : value_(static_cast<std::uint64_t>(value)) {}  // NOLINT
  template <std::floating_point T>
  Value(T value) : value_(static_cast<double>(value)) {}                // NOLINT
  Value(std::string_view value) : value_(value) {}                      // NOLINT
  Value(const char* value) : value_(std::string_view(value)) {}         // NOLINT
  Value(const std::string& value) : value_(std::string_view(value)) {}  // NOLINT
  Value(const Status& status)
      : text_(status.to_string()), value_(std::string_view(text_)) {}  // NOLINT
  template <class T>
  requires requires(const T& id) {
    { id.value } -> std::convertible_to<std::uint64_t>;
  }
  Value(const T& id) : value_(static_cast<std::uint64_t>(id.value)) {}  // NOLINT: Id<...>

  Value(const Value& other) : text_(other.text_), value_(other.value_) {
    if (!text_.empty()) value_ = std::string_view(text_);
  }
  Value& operator=(const Value&) = delete;

  [[nodiscard]] const auto& get() const { return value_; }

 private:
  std::string text_;  // of a Status only
  std::variant<bool, std::int64_t, std::uint64_t, double, std::string_view> value_;
};

struct Field {
  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

void debug(std::string_view message, Fields fields = {});
void info(std::string_view message, Fields fields = {});
void warn(std::string_view message, Fields fields = {});
void error(std::string_view message, Fields fields = {});

// The line without its time stamp and level, as the two formats write it; for tests and access
// logs.
[[nodiscard]] std::string format_fields(Format format, std::string_view message, Fields fields);

}  // namespace nacelle::telemetry::log

namespace nacelle {
namespace log = telemetry::log;
}
