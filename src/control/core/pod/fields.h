// fields.h: reads the fields of a JSON object that somebody else wrote, and keeps the first
// complaint.
//
//   Status error;
//   Fields pod(object, "", error);
//   std::string node = pod.child("spec").text("nodeName");
//   for (const Fields& item : pod.child("spec").items("containers")) ...
//   if (!error.ok()) return error;   // "spec.containers[1].name must be a string, got 7"
//
// Absent and null are one case: the caller's default. Integers may come as 3.0, since some writers
// know one kind of number. A value of the wrong type reads as the default and is a complaint.
//
// Home:    pure; a value that borrows the object and the error.
// Errors:  invalid_argument with the field's path and what was found there, in `error`; only the
//          first one is kept.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/status.h"

namespace nacelle::control::pod {

using Json = nlohmann::json;
using StringMap = std::map<std::string, std::string>;

class Fields {
 public:
  Fields(const Json& object, std::string path, Status& error);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path_of(std::string_view name) const;
  // True when the field is there and not null.
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  // Null when absent.
  [[nodiscard]] const Json* find(std::string_view name) const;

  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback = "") const;
  [[nodiscard]] bool boolean(std::string_view name, bool fallback = false) const;
  [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const;
  // Beyond [least, most] is a complaint and reads as the fallback.
  [[nodiscard]] std::int64_t number(std::string_view name, std::int64_t fallback,
                                    std::int64_t least, std::int64_t most) const;

  // An absent object has no fields.
  [[nodiscard]] Fields child(std::string_view name) const;
  // Items of a list of objects; an item that is no object is a complaint and left out.
  [[nodiscard]] std::vector<Fields> items(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view name) const;
  [[nodiscard]] StringMap text_map(std::string_view name) const;

  // Records a complaint about a field of this object.
  void complain(std::string_view name, std::string_view what) const;

 private:
  const Json* list(std::string_view name) const;

  const Json* object_;
  std::string path_;
  Status* error_;
};

// Shortened for messages: at most 60 bytes of the value's text.
[[nodiscard]] std::string shown(const Json& value);

}  // namespace nacelle::control::pod
