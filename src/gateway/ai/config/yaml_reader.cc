#include "gateway/ai/config/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace nacelle::gateway::ai {

namespace {

std::string joined(const std::string& path, const std::string& key) {
  return path.empty() ? key : path + "." + key;
}

}  // namespace

void YamlReader::problem(std::string_view path, std::string_view what) {
  if (!problems_.empty()) problems_ += '\n';
  problems_ += fmt::format("{}: {}: {}", object_, path, what);
}

Status YamlReader::status() const {
  return problems_.empty() ? Status() : Status(Code::kInvalidArgument, problems_);
}

void YamlReader::map(const YAML::Node& node, const std::string& path, const Fields& fields,
                     std::initializer_list<std::string_view> required) {
  if (!node.IsMap()) return problem(path, "expected a map");
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (const auto field = fields.find(key); field != fields.end()) {
      field->second(entry.second, joined(path, key));
      continue;
    }
    std::string known;
    for (const auto& [name, unused] : fields) known += (known.empty() ? "" : ", ") + name;
    problem(joined(path, key), "unknown field; there are " + known);
  }
  for (const std::string_view name : required) {
    if (!node[std::string(name)]) problem(joined(path, std::string(name)), "is needed");
  }
}

void YamlReader::list(const YAML::Node& node, const std::string& path, std::size_t most,
                      const Field& item) {
  if (!node.IsSequence()) return problem(path, "expected a list");
  if (node.size() > most) {
    return problem(path, fmt::format("has {} entries, the limit is {}", node.size(), most));
  }
  for (std::size_t i = 0; i < node.size(); ++i) item(node[i], fmt::format("{}[{}]", path, i));
}

YamlReader::Field YamlReader::text(std::string& out) {
  return [this, &out](const YAML::Node& node, const std::string& path) {
    if (!node.IsScalar()) return problem(path, "expected a string");
    out = node.Scalar();
  };
}

YamlReader::Field YamlReader::texts(std::vector<std::string>& out, std::size_t most) {
  return [this, &out, most](const YAML::Node& node, const std::string& path) {
    list(node, path, most, [&](const YAML::Node& item, const std::string& at) {
      if (!item.IsScalar()) return problem(at, "expected a string");
      out.push_back(item.Scalar());
    });
  };
}

YamlReader::Field YamlReader::boolean(bool& out) {
  return [this, &out](const YAML::Node& node, const std::string& path) {
    if (!node.IsScalar() || !YAML::convert<bool>::decode(node, out)) {
      problem(path, "expected true or false");
    }
  };
}

YamlReader::Field YamlReader::number(std::uint64_t low, std::uint64_t high,
                                     std::function<void(std::uint64_t)> set) {
  return [this, low, high, set = std::move(set)](const YAML::Node& node, const std::string& path) {
    const std::string text = node.IsScalar() ? node.Scalar() : "";
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
      return problem(path, "expected a whole number");
    }
    if (value < low || value > high) {
      return problem(path, fmt::format("{} is outside {} to {}", value, low, high));
    }
    set(value);
  };
}

YamlReader::Field YamlReader::duration(Duration& out) {
  return [this, &out](const YAML::Node& node, const std::string& path) {
    const auto parsed = parse_duration(node.IsScalar() ? node.Scalar() : "");
    if (!parsed) return problem(path, parsed.error().message());
    out = *parsed;
  };
}

YamlReader::Field YamlReader::time(std::function<void(std::chrono::sys_seconds)> set) {
  return [this, set = std::move(set)](const YAML::Node& node, const std::string& path) {
    const auto parsed = parse_time(node.IsScalar() ? node.Scalar() : "");
    if (!parsed) return problem(path, parsed.error().message());
    set(*parsed);
  };
}

Result<Duration> parse_duration(std::string_view text) {
  const Status bad = invalid_argument("'{}' is no duration like 1h30m or 500ms", text);
  Duration out{};
  std::string_view rest = text;
  int parts = 0;
  while (!rest.empty()) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    const auto digits = static_cast<std::size_t>(end - rest.data());
    if (error != std::errc() || digits == 0 || digits > 5 || ++parts > 4) return bad;
    rest.remove_prefix(digits);
    if (rest.starts_with("ms")) {
      out += std::chrono::milliseconds(value);
      rest.remove_prefix(2);
    } else if (rest.starts_with('h') || rest.starts_with('m') || rest.starts_with('s')) {
      const int unit = rest.front() == 'h' ? 3600 : rest.front() == 'm' ? 60 : 1;
      out += std::chrono::seconds(static_cast<std::int64_t>(value) * unit);
      rest.remove_prefix(1);
    } else {
      return bad;
    }
  }
  if (parts == 0) return bad;
  return out;
}

Result<std::chrono::sys_seconds> parse_time(std::string_view text) {
  const std::string copy(text);
  int year = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int used = 0;
  const int read = std::sscanf(copy.c_str(), "%4d-%2u-%2uT%2u:%2u:%2uZ%n", &year, &month, &day,
                               &hour, &minute, &second, &used);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  const bool whole = read == 6 && static_cast<std::size_t>(used) == copy.size() && used == 20;
  if (!whole || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return invalid_argument("'{}' is no time like 2026-01-31T12:00:00Z", text);
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

}  // namespace nacelle::gateway::ai
