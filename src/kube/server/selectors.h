// selectors.h: which objects of a collection are meant: by labels, by fields.
//
// Home:    pure; immutable once parsed; fuzzed.
// Errors:  Failures of HTTP 400 with what was found.
// Source:  kubernetes-api.md section 9.3.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kube/server/failure.h"

namespace nacelle::kube::server {

class LabelSelector {
 public:
  [[nodiscard]] static Try<LabelSelector> parse(std::string_view text);
  [[nodiscard]] bool matches(const Json& object) const;
  [[nodiscard]] bool empty() const { return requirements_.empty(); }

 private:
  enum class How { kIn, kNotIn, kExists, kAbsent, kGreater, kLess };
  struct Requirement {
    std::string key;
    How how = How::kExists;
    std::vector<std::string> values;
    std::int64_t bound = 0;  // of kGreater and kLess
  };
  friend class LabelParser;
  std::vector<Requirement> requirements_;
};

class FieldSelector {
 public:
  // Only metadata.name, metadata.namespace and the kind's own fields may be asked for.
  [[nodiscard]] static Try<FieldSelector> parse(std::string_view text, const schema::Kind& kind);
  [[nodiscard]] bool matches(const Json& object) const;
  [[nodiscard]] bool empty() const { return terms_.empty(); }
  // The name that is asked for with `=`; "" when none is.
  [[nodiscard]] std::string_view exact_name() const;

 private:
  struct Term {
    std::string path;
    std::string value;
    bool equal = true;
  };
  std::vector<Term> terms_;
};

// The value of a field as selectors compare it; "" when absent.
[[nodiscard]] std::string field_text(const Json& object, std::string_view path);

}  // namespace nacelle::kube::server
