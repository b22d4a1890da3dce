#include "router/config/fields.h"

#include <algorithm>

#include "base/nearest_name.h"
#include "router/config/scalar_text.h"

namespace nacelle::router {

namespace {

std::string line_of(std::string_view path, std::string_view what) {
  return path.empty() ? std::string(what) : fmt::format("{}: {}", path, what);
}

}  // namespace

void Problems::add(std::string_view path, std::string_view what) {
  lines_.push_back(line_of(path, what));
}

void Problems::warn(std::string_view path, std::string_view what) {
  warnings_.push_back(line_of(path, what));
}

Status Problems::status(std::string_view file) const {
  if (lines_.empty()) return {};
  std::string out;
  for (std::size_t i = 0; i < std::min(lines_.size(), kMaxShown); ++i) {
    if (i > 0) out += '\n';
    if (!file.empty()) out.append(file).append(":");
    out += lines_[i];
  }
  if (lines_.size() > kMaxShown) out += fmt::format("\nand {} more", lines_.size() - kMaxShown);
  return {Code::kInvalidArgument, std::move(out)};
}

Fields::Fields(const ConfigNode* node, std::string path, Problems& problems)
    : path_(std::move(path)), problems_(problems) {
  if (node == nullptr || node->is_null()) return;
  if (node->is_map()) {
    node_ = node;
  } else {
    problems_.add(path_, "expected a map");
  }
}

std::string Fields::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const ConfigNode* Fields::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  const ConfigNode* found = node_ == nullptr ? nullptr : node_->find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool Fields::has(std::string_view key) { return find(key) != nullptr; }

void Fields::problem(std::string_view key, std::string_view what) {
  problems_.add(key.empty() ? path_ : path_of(key), what);
}

void Fields::warn(std::string_view key, std::string_view what) {
  problems_.warn(key.empty() ? path_ : path_of(key), what);
}

const ConfigNode* Fields::scalar(std::string_view key, std::string_view wanted) {
  const ConfigNode* found = find(key);
  if (found == nullptr || found->is_scalar()) return found;
  problem(key, fmt::format("expected {}", wanted));
  return nullptr;
}

void Fields::text(std::string_view key, std::string& out) {
  if (const ConfigNode* found = scalar(key, "text")) out = found->text;
}

void Fields::boolean(std::string_view key, bool& out) {
  const ConfigNode* found = scalar(key, "true or false");
  if (found == nullptr) return;
  if (found->text == "true" && !found->quoted) {
    out = true;
  } else if (found->text == "false" && !found->quoted) {
    out = false;
  } else {
    problem(key, fmt::format("expected true or false, got '{}'", found->text.substr(0, 100)));
  }
}

void Fields::number(std::string_view key, double& out, double low, double high) {
  const ConfigNode* found = scalar(key, "a number");
  if (found == nullptr) return;
  const auto value = parse_number_text(found->text);
  if (!value || found->quoted) {
    return problem(key, fmt::format("expected a number, got '{}'", found->text.substr(0, 100)));
  }
  if (*value < low || *value > high) {
    return problem(key, fmt::format("{} is outside {} to {}", *value, low, high));
  }
  out = *value;
}

bool Fields::integer(std::string_view key, std::int64_t& out, std::int64_t low, std::int64_t high) {
  const ConfigNode* found = scalar(key, "a whole number");
  if (found == nullptr) return false;
  const auto value = parse_integer_text(found->text);
  if (!value || found->quoted) {
    problem(key, fmt::format("expected a whole number, got '{}'", found->text.substr(0, 100)));
    return false;
  }
  if (*value < low || *value > high) {
    problem(key, fmt::format("{} is outside {} to {}", *value, low, high));
    return false;
  }
  out = *value;
  return true;
}

void Fields::duration(std::string_view key, Duration& out) {
  const ConfigNode* found = scalar(key, "a duration such as 500ms");
  if (found == nullptr) return;
  const auto value = parse_duration_text(found->text);
  if (!value || *value < Duration::zero()) {
    return problem(key, fmt::format("expected a duration such as 500ms, got '{}'",
                                    found->text.substr(0, 100)));
  }
  out = *value;
}

void Fields::quantity(std::string_view key, std::uint64_t& out) {
  const ConfigNode* found = scalar(key, "a quantity such as 5000 or 64Mi");
  if (found == nullptr) return;
  const auto value = parse_quantity_text(found->text);
  if (!value) {
    return problem(key, fmt::format("expected a quantity such as 5000 or 64Mi, got '{}'",
                                    found->text.substr(0, 100)));
  }
  out = *value;
}

void Fields::strings(std::string_view key, std::vector<std::string>& out) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return;
  if (!found->is_list()) return problem(key, "expected a list of text");
  out.clear();
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    if (found->items[i].is_scalar()) {
      out.push_back(found->items[i].text);
    } else {
      problem(fmt::format("{}[{}]", key, i), "expected text");
    }
  }
}

void Fields::string_map(std::string_view key,
                        std::vector<std::pair<std::string, std::string>>& out) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return;
  if (!found->is_map()) return problem(key, "expected a map of text");
  out.clear();
  for (const auto& [name, value] : found->fields) {
    if (value.is_scalar()) {
      out.emplace_back(name, value.text);
    } else {
      problem(fmt::format("{}.{}", key, name), "expected text");
    }
  }
}

void Fields::object(std::string_view key, const std::function<void(Fields&)>& read) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return;
  Fields inner(found, path_of(key), problems_);
  if (inner.node_ == nullptr) return;
  read(inner);
  inner.finish();
}

void Fields::each(std::string_view key, const std::function<void(Fields&)>& read) {
  const ConfigNode* found = find(key);
  if (found == nullptr) return;
  if (!found->is_list()) return problem(key, "expected a list");
  for (std::size_t i = 0; i < found->items.size(); ++i) {
    Fields inner(&found->items[i], fmt::format("{}[{}]", path_of(key), i), problems_);
    read(inner);
    inner.finish();
  }
}

void Fields::unknown_choice(std::string_view key, std::string_view given,
                            const std::vector<std::string_view>& names) {
  problem(key, unknown_name("value", given, names));
}

void Fields::finish() {
  if (node_ == nullptr) return;
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& [key, value] : node_->fields) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) {
      problem(key.substr(0, 100), unknown_name("field", key, known));
    }
  }
}

}  // namespace nacelle::router
