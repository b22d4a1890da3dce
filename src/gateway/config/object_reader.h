// object_reader.h: takes the fields of one JSON object with their types and bounds.
//
//   ObjectReader rule(json, where, problems);
//   rule.string("name", out.name);
//   rule.each("matches", 64, [&](ObjectReader match) { ... });
//   // the destructor reports fields that nobody asked for, with the nearest known name or all
//
// Every value that does not fit is a problem at its path and leaves the default in place, so that
// reading goes on.
//
// Home:    one thread; the JSON and the Problems outlive the reader.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "gateway/config/problems.h"

namespace nacelle::gateway {

// GEP-2257: "1h30m", "500ms"; at most four numbers of five digits. "0s" is zero.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
// "50Mi", "64k", "1048576": Kubernetes quantities without fractions, in bytes.
[[nodiscard]] Result<std::uint64_t> parse_quantity(std::string_view text);

class ObjectReader {
 public:
  using Json = nlohmann::json;

  ObjectReader(const Json& object, std::string where, Problems& problems);
  ~ObjectReader();
  ObjectReader(ObjectReader&& other) noexcept;
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  [[nodiscard]] bool has(std::string_view key);
  // Reads a field when it is there; true when `out` was set.
  bool string(std::string_view key, std::string& out);
  bool required(std::string_view key, std::string& out);  // a non-empty string
  bool integer(std::string_view key, std::int64_t low, std::int64_t high, std::int64_t& out);
  bool boolean(std::string_view key, bool& out);
  bool duration(std::string_view key, Duration& out);
  bool quantity(std::string_view key, std::uint64_t& out);
  bool strings(std::string_view key, std::size_t max, std::vector<std::string>& out);
  bool string_map(std::string_view key, std::vector<std::pair<std::string, std::string>>& out);
  // One of `names`; returns its index.
  std::optional<std::size_t> one_of(std::string_view key,
                                    std::initializer_list<std::string_view> names);
  // A list of at most `max` objects.
  bool each(std::string_view key, std::size_t max, const std::function<void(ObjectReader)>& read);
  bool object(std::string_view key, const std::function<void(ObjectReader)>& read);
  // The field as it is, or nullptr.
  [[nodiscard]] const Json* raw(std::string_view key);

  void ignore(std::initializer_list<std::string_view> keys);
  void ignore_rest() { ignore_rest_ = true; }
  void problem(std::string_view key, std::string_view what);
  void problem(std::string_view what) { problems_->add(where_, what); }

  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] std::string at(std::string_view key) const;
  [[nodiscard]] Problems& problems() { return *problems_; }

 private:
  const Json* take(std::string_view key);

  const Json* object_;  // nullptr when it is none, or moved from
  std::string where_;
  Problems* problems_;
  std::vector<std::string_view> known_;  // literals that were asked for
  bool ignore_rest_ = false;
};

}  // namespace nacelle::gateway
