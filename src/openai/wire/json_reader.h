// json_reader.h: typed reads of fields out of a parsed body.
//
// A read of null leaves the default in place: the dialect treats null as absent. A wrong type is a
// `Bad Request` that names the field and what was expected. Whole floats are accepted as integers.
//
// Home:    values; a Document is for one thread at a time.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "openai/error.h"

namespace nacelle::openai::wire {

namespace dom = simdjson::dom;

struct Field {
  std::string_view name;
  dom::element value;
};

// Owns the memory of a parsed body. Strings that elements give out live as long as it does.
class Document {
 public:
  // 400 unless `body` is one JSON object within the limits of openai/limits.h.
  [[nodiscard]] static Parsed<Document> parse(std::string_view body);

  [[nodiscard]] dom::object root() const { return root_; }

 private:
  Document() = default;
  std::unique_ptr<dom::parser> parser_;
  dom::object root_;
};

[[nodiscard]] Error wrong_type(std::string_view field, std::string_view expected);

[[nodiscard]] Check read(const Field& field, bool& out);
[[nodiscard]] Check read(const Field& field, double& out);
[[nodiscard]] Check read(const Field& field, std::int64_t& out);
[[nodiscard]] Check read(const Field& field, std::string& out);
[[nodiscard]] Check read(const Field& field, std::vector<std::int64_t>& out);
[[nodiscard]] Check read(const Field& field, std::vector<std::string>& out);
// Any JSON value; null stays null.
[[nodiscard]] Check read(const Field& field, nlohmann::ordered_json& out);

template <class T>
[[nodiscard]] Check read(const Field& field, std::optional<T>& out) {
  out.reset();
  if (field.value.is_null()) return {};
  T value{};
  if (Check bad = read(field, value)) return bad;
  out = std::move(value);
  return {};
}

[[nodiscard]] nlohmann::ordered_json to_ordered_json(const dom::element& value);

// How each known key of an object is read into T; keys that are not listed are ignored.
template <class T>
using FieldTable = std::unordered_map<std::string_view, Check (*)(T&, const Field&)>;

// An entry's function for the plain case: a member that one of the reads above fits.
template <auto Member, class T>
[[nodiscard]] Check bind(T& target, const Field& field) {
  return read(field, target.*Member);
}

template <class T>
[[nodiscard]] Check read_fields(const dom::object& object, const FieldTable<T>& table, T& target) {
  for (const dom::key_value_pair& pair : object) {
    const auto entry = table.find(pair.key);
    if (entry == table.end()) continue;
    if (Check bad = entry->second(target, Field{pair.key, pair.value})) return bad;
  }
  return {};
}

}  // namespace nacelle::openai::wire
