#include "kube/server/selectors.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "kube/schema/names.h"
#include "kube/server/request.h"

namespace nacelle::kube::server {
namespace {

constexpr std::size_t kMaxRequirements = 256;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_special(char c) {
  return c == '=' || c == '!' || c == ',' || c == '(' || c == ')' || c == '>' || c == '<';
}

}  // namespace

// Reads `key op values` lists; a word is everything up to white space or a special character.
class LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text) {}

  Try<LabelSelector> run() {
    LabelSelector out;
    skip_space();
    while (at_ < text_.size()) {
      if (out.requirements_.size() == kMaxRequirements) return fail("fewer requirements");
      auto requirement = read_requirement();
      if (!requirement.ok()) return std::move(requirement.failure());
      out.requirements_.push_back(std::move(*requirement));
      skip_space();
      if (at_ == text_.size()) break;
      if (text_[at_] != ',') return fail("',' or end of string");
      ++at_;
      skip_space();
      if (at_ == text_.size()) return fail("identifier after ','");
    }
    return out;
  }

 private:
  using How = LabelSelector::How;
  using Requirement = LabelSelector::Requirement;

  Failure fail(std::string_view expected) {
    skip_space();
    const std::string rest = word();
    return bad_request(fmt::format("unable to parse requirement: found '{}', expected: {}",
                                   rest.substr(0, 80), expected));
  }

  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }

  std::string word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && !is_space(text_[at_]) && !is_special(text_[at_])) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }

  bool take(std::string_view what) {
    if (!text_.substr(at_).starts_with(what)) return false;
    at_ += what.size();
    return true;
  }

  Try<Requirement> read_requirement() {
    Requirement out;
    const bool absent = take("!");
    skip_space();
    out.key = word();
    if (!schema::is_qualified_name(out.key)) {
      return bad_request(
          fmt::format("unable to parse requirement: <nil>: Invalid value: \"{}\": name "
                      "part must consist of alphanumeric characters, '-', '_' or '.'",
                      out.key.substr(0, 80)));
    }
    skip_space();
    if (absent) {
      out.how = How::kAbsent;
      return out;
    }
    if (at_ == text_.size() || text_[at_] == ',') return out;
    if (take("!=")) {
      out.how = How::kNotIn;
    } else if (take("==") || take("=")) {
      out.how = How::kIn;
    } else if (take(">") || take("<")) {
      out.how = text_[at_ - 1] == '>' ? How::kGreater : How::kLess;
      return read_bound(std::move(out));
    } else {
      return read_set(std::move(out));
    }
    skip_space();
    out.values.push_back(word());
    return check_values(std::move(out));
  }

  Try<Requirement> read_bound(Requirement out) {
    skip_space();
    const std::string value = word();
    const auto number = parse_int(value);
    if (!number.has_value()) {
      return bad_request(
          fmt::format("unable to parse requirement: values[0][{}]: Invalid value: "
                      "\"{}\": for 'Gt', 'Lt' operators, the value must be an integer",
                      out.key, value));
    }
    out.bound = *number;
    return out;
  }

  Try<Requirement> read_set(Requirement out) {
    const std::size_t begin = at_;
    const std::string how = word();
    if (how == "in") {
      out.how = How::kIn;
    } else if (how == "notin") {
      out.how = How::kNotIn;
    } else {
      at_ = begin;
      return fail("in, notin, =, ==, !=, gt, lt");
    }
    skip_space();
    if (!take("(")) return fail("'('");
    while (true) {
      skip_space();
      out.values.push_back(word());
      skip_space();
      if (take(")")) return check_values(std::move(out));
      if (!take(",")) return fail("',' or ')'");
    }
  }

  Try<Requirement> check_values(Requirement out) {
    for (const std::string& value : out.values) {
      if (schema::is_label_value(value)) continue;
      return bad_request(
          fmt::format("unable to parse requirement: values[0][{}]: Invalid value: \"{}\": a valid "
                      "label must be an "
                      "empty string or consist of alphanumeric characters, '-', '_' or '.'",
                      out.key, value.substr(0, 80)));
    }
    return out;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
};

Try<LabelSelector> LabelSelector::parse(std::string_view text) { return LabelParser(text).run(); }

bool LabelSelector::matches(const Json& object) const {
  if (requirements_.empty()) return true;
  const Json& labels = map_at(object, {"metadata", "labels"});
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& one) {
    const auto found = labels.find(one.key);
    const std::string* value = found != labels.end() && found->is_string()
                                   ? found->get_ptr<const std::string*>()
                                   : nullptr;
    const auto listed = [&] {
      return std::find(one.values.begin(), one.values.end(), *value) != one.values.end();
    };
    switch (one.how) {
      case How::kExists:
        return value != nullptr;
      case How::kAbsent:
        return value == nullptr;
      case How::kIn:
        return value != nullptr && listed();
      case How::kNotIn:
        return value == nullptr || !listed();
      case How::kGreater:
      case How::kLess: {
        const auto number = value != nullptr ? parse_int(*value) : std::nullopt;
        if (!number.has_value()) return false;
        return one.how == How::kGreater ? *number > one.bound : *number < one.bound;
      }
    }
    return false;
  });
}

std::string field_text(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (true) {
    const std::size_t dot = path.find('.');
    if (!at->is_object()) return {};
    const auto field = at->find(path.substr(0, dot));
    if (field == at->end()) return {};
    at = &*field;
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  if (at->is_string()) return *at;
  if (at->is_null() || at->is_structured()) return {};
  return at->dump();
}

Try<FieldSelector> FieldSelector::parse(std::string_view text, const schema::Kind& kind) {
  FieldSelector out;
  std::string path;
  std::string value;
  bool in_value = false;
  bool equal = true;
  const auto end_term = [&]() -> std::optional<Failure> {
    if (!in_value) {
      if (path.empty()) return std::nullopt;
      return bad_request(fmt::format("invalid selector: '{}'; can't understand '{}'",
                                     text.substr(0, 80), path.substr(0, 80)));
    }
    const bool known =
        path == "metadata.name" || path == "metadata.namespace" ||
        std::find(kind.selectable.begin(), kind.selectable.end(), path) != kind.selectable.end();
    if (!known)
      return bad_request(fmt::format("field label not supported: {}", path.substr(0, 80)));
    out.terms_.push_back({std::move(path), std::move(value), equal});
    path.clear();
    value.clear();
    in_value = false;
    return std::nullopt;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      (in_value ? value : path) += text[++i];
    } else if (c == ',') {
      if (auto failure = end_term()) return std::move(*failure);
      if (out.terms_.size() == kMaxRequirements) return bad_request("too many field requirements");
    } else if (!in_value && c == '!' && text.substr(i).starts_with("!=")) {
      in_value = true;
      equal = false;
      ++i;
    } else if (!in_value && c == '=') {
      in_value = true;
      equal = true;
      if (text.substr(i).starts_with("==")) ++i;
    } else {
      (in_value ? value : path) += c;
    }
  }
  if (auto failure = end_term()) return std::move(*failure);
  return out;
}

std::string_view FieldSelector::exact_name() const {
  for (const Term& term : terms_) {
    if (term.equal && term.path == "metadata.name") return term.value;
  }
  return {};
}

bool FieldSelector::matches(const Json& object) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    std::string now = field_text(object, term.path);
    // What a field's absence means is what a boolean field says when it is false.
    if (now.empty() && (term.value == "false") && term.path.ends_with("unschedulable"))
      now = "false";
    return (now == term.value) == term.equal;
  });
}

}  // namespace nacelle::kube::server
