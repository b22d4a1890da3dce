// yaml_reader.h: strict reads of YAML that collect every problem with its path.
//
//   YamlReader reader("AIServiceBackend default/a");
//   reader.map(node, "spec", {{"prefix", reader.text(out.prefix)}, ...});
//   RETURN_IF_ERROR(reader.status());
//
// Unknown fields are problems; absent ones leave the default.
//
// Home:    the caller's stack, which outlives the fields it hands out.
#pragma once

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace nacelle::gateway::ai {

class YamlReader {
 public:
  using Field = std::function<void(const YAML::Node&, const std::string& path)>;
  using Fields = std::map<std::string, Field>;

  // `object` stands in front of every path: "Kind namespace/name".
  explicit YamlReader(std::string object) : object_(std::move(object)) {}

  void problem(std::string_view path, std::string_view what);
  [[nodiscard]] Status status() const;

  void map(const YAML::Node& node, const std::string& path, const Fields& fields,
           std::initializer_list<std::string_view> required = {});
  // Calls `item` for each entry; more than `most` is a problem.
  void list(const YAML::Node& node, const std::string& path, std::size_t most, const Field& item);

  [[nodiscard]] Field text(std::string& out);
  [[nodiscard]] Field texts(std::vector<std::string>& out, std::size_t most);
  [[nodiscard]] Field boolean(bool& out);
  [[nodiscard]] Field number(std::uint64_t low, std::uint64_t high,
                             std::function<void(std::uint64_t)> set);
  // Gateway API durations: 1h30m, 500ms; 0s.
  [[nodiscard]] Field duration(Duration& out);
  // RFC 3339 in UTC, whole seconds.
  [[nodiscard]] Field time(std::function<void(std::chrono::sys_seconds)> set);
  // One of the names; sets the value beside it.
  template <class T>
  [[nodiscard]] Field one_of(std::vector<std::pair<std::string_view, T>> values, T& out) {
    return
        [this, values = std::move(values), &out](const YAML::Node& node, const std::string& path) {
          std::string known;
          for (const auto& [name, value] : values) {
            if (node.IsScalar() && node.Scalar() == name) {
              out = value;
              return;
            }
            known += (known.empty() ? "" : ", ") + std::string(name);
          }
          problem(path, "expected one of " + known);
        };
  }
  [[nodiscard]] static Field ignored() {
    return [](const YAML::Node&, const std::string&) {};
  }

 private:
  std::string object_;
  std::string problems_;
};

[[nodiscard]] Result<Duration> parse_duration(std::string_view text);
[[nodiscard]] Result<std::chrono::sys_seconds> parse_time(std::string_view text);

}  // namespace nacelle::gateway::ai
