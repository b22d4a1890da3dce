// fields.h: reads a map strictly: every field that is not asked for is a problem.
//
//   Fields fields(node, "plugins[2].parameters", problems);
//   fields.count("lruSize", options.lru_size, 1, 1'000'000);
//   fields.finish();
//
// A field that is absent or null leaves its variable as it is, so the defaults stand in the struct
// that is filled. Problems are collected with their paths, so one look mends the whole file.
//
// Home:    one parse.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "router/config/config_node.h"

namespace nacelle::router {

// What is wrong with a configuration: lines of `path: what`.
class Problems {
 public:
  void add(std::string_view path, std::string_view what);
  // What is right and yet not what its author may expect; no problem.
  void warn(std::string_view path, std::string_view what);
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] bool empty() const { return lines_.empty(); }
  [[nodiscard]] std::size_t size() const { return lines_.size(); }
  // `file` before every line; "" leaves it out.
  [[nodiscard]] Status status(std::string_view file) const;

 private:
  static constexpr std::size_t kMaxShown = 50;
  std::vector<std::string> lines_, warnings_;
};

class Fields {
 public:
  // `node` outlives the object; null, and a null node, are empty maps.
  Fields(const ConfigNode* node, std::string path, Problems& problems);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key);
  void problem(std::string_view key, std::string_view what);
  void warn(std::string_view key, std::string_view what);

  void text(std::string_view key, std::string& out);
  void boolean(std::string_view key, bool& out);
  void number(std::string_view key, double& out,
              double low = -std::numeric_limits<double>::infinity(),
              double high = std::numeric_limits<double>::infinity());
  void duration(std::string_view key, Duration& out);
  void quantity(std::string_view key, std::uint64_t& out);
  void strings(std::string_view key, std::vector<std::string>& out);
  void string_map(std::string_view key, std::vector<std::pair<std::string, std::string>>& out);
  // A whole number in [low, high].
  template <class Integer>
  void count(std::string_view key, Integer& out, std::int64_t low, std::int64_t high) {
    std::int64_t value = 0;
    if (integer(key, value, low, high)) out = static_cast<Integer>(value);
  }
  template <class Enum>
  void choice(std::string_view key, Enum& out,
              std::initializer_list<std::pair<std::string_view, Enum>> values) {
    std::string given;
    text(key, given);
    if (given.empty()) return;
    std::vector<std::string_view> names;
    for (const auto& [name, value] : values) {
      if (name == given) {
        out = value;
        return;
      }
      names.push_back(name);
    }
    unknown_choice(key, given, names);
  }

  // Calls `read` on the map below `key`, when there is one, and finishes it.
  void object(std::string_view key, const std::function<void(Fields&)>& read);
  // The same for every map of the list.
  void each(std::string_view key, const std::function<void(Fields&)>& read);
  // Accepted, without effect.
  void ignored(std::string_view key) { (void)find(key); }
  // The node itself; null when absent.
  const ConfigNode* find(std::string_view key);

  // Names the fields that nobody asked for.
  void finish();

 private:
  const ConfigNode* scalar(std::string_view key, std::string_view wanted);
  bool integer(std::string_view key, std::int64_t& out, std::int64_t low, std::int64_t high);
  void unknown_choice(std::string_view key, std::string_view given,
                      const std::vector<std::string_view>& names);

  const ConfigNode* node_ = nullptr;  // a map, or null
  std::string path_;
  Problems& problems_;
  std::vector<std::string> known_;
};

}  // namespace nacelle::router
