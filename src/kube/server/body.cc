#include "kube/server/body.h"

#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "kube/server/protobuf.h"

namespace nacelle::kube::server {
namespace {

constexpr std::size_t kMaxNesting = 200;

// Parses and notes fields that stand twice in one object.
class JsonReader final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    Level& level = levels_.back();
    level.name = std::move(name);
    if (level.at->contains(level.name) && duplicates.size() < schema::kMaxFindings) {
      duplicates.push_back(path() + level.name);
    }
    return true;
  }

  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& error) override {
    message = error.what();
    return false;
  }

  Json root;
  std::vector<std::string> duplicates;
  std::string message;

 private:
  struct Level {
    Json* at;
    std::string name;  // of the field that is read
  };

  Json* place(Json value) {
    if (levels_.empty()) {
      root = std::move(value);
      return &root;
    }
    Level& level = levels_.back();
    if (level.at->is_array()) {
      level.at->push_back(std::move(value));
      return &level.at->back();
    }
    Json& field = (*level.at)[level.name];
    field = std::move(value);
    return &field;
  }

  bool put(Json value) {
    place(std::move(value));
    return true;
  }

  bool open(Json value) {
    if (levels_.size() >= kMaxNesting) {
      message = fmt::format("nested deeper than {} levels", kMaxNesting);
      return false;
    }
    Json* at = place(std::move(value));
    levels_.push_back({at, {}});
    return true;
  }

  bool close() {
    levels_.pop_back();
    return true;
  }

  [[nodiscard]] std::string path() const {
    std::string out;
    for (std::size_t i = 0; i + 1 < levels_.size(); ++i) {
      const Level& level = levels_[i];
      if (level.at->is_array()) {
        out.back() == '.' ? out.pop_back() : void();
        out += fmt::format("[{}].", level.at->size() - 1);
      } else {
        out += level.name + ".";
      }
    }
    return out;
  }

  std::vector<Level> levels_;
};

std::string clipped(std::string_view text) { return std::string(text.substr(0, 80)); }

Failure unreadable(std::string_view expected, std::string_view why) {
  return bad_request(
      fmt::format("the object provided is unrecognized (must be of type {}): couldn't get "
                  "version/kind; json parse "
                  "error: {}",
                  expected, why));
}

Try<Body> decode_json(std::string_view text, std::string_view expected) {
  JsonReader reader;
  if (!Json::sax_parse(text, &reader)) return unreadable(expected, reader.message);
  if (!reader.root.is_object()) {
    return unreadable(expected, "json: cannot unmarshal " + clipped(text) + " into an object");
  }
  return Body{.object = std::move(reader.root), .duplicates = std::move(reader.duplicates)};
}

Json yaml_scalar(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str") return text;  // quoted
  static const std::set<std::string, std::less<>> kTrue = {"y",  "Y",  "yes",  "Yes",  "YES", "on",
                                                           "On", "ON", "true", "True", "TRUE"};
  static const std::set<std::string, std::less<>> kFalse = {
      "n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"};
  if (kTrue.contains(text)) return true;
  if (kFalse.contains(text)) return false;
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  // A number in YAML's core forms is one in JSON's grammar, or octal and hex, which manifests use
  // for file modes.
  if (text.size() > 1 && text[0] == '0' &&
      text.find_first_not_of("01234567") == std::string::npos) {
    return text.size() > 20 ? Json(text) : Json(std::stoll(text, nullptr, 8));
  }
  if (text[0] == '-' || (text[0] >= '0' && text[0] <= '9')) {
    Json number = Json::parse(text, nullptr, false);
    if (number.is_number()) return number;
  }
  return text;
}

// Aliases can name one part many times, so that a short text means a huge object: `budget` counts
// the values that may still be made.
Try<Json> from_yaml(const YAML::Node& node, std::size_t depth, std::size_t& budget) {
  if (depth > kMaxNesting) return bad_request("yaml: nested too deep");
  if (budget-- == 0) return bad_request("yaml: document contains excessive aliasing");
  switch (node.Type()) {
    case YAML::NodeType::Scalar:
      return yaml_scalar(node);
    case YAML::NodeType::Sequence: {
      Json out = Json::array();
      for (const YAML::Node& one : node) {
        auto item = from_yaml(one, depth + 1, budget);
        if (!item.ok()) return item;
        out.push_back(std::move(*item));
      }
      return out;
    }
    case YAML::NodeType::Map: {
      Json out = Json::object();
      for (const auto& field : node) {
        if (!field.first.IsScalar()) return bad_request("yaml: a key is no text");
        auto value = from_yaml(field.second, depth + 1, budget);
        if (!value.ok()) return value;
        out[field.first.Scalar()] = std::move(*value);
      }
      return out;
    }
    default:
      return Json();
  }
}

}  // namespace

std::string media_type(std::string_view content_type) {
  std::string out(content_type.substr(0, content_type.find(';')));
  while (!out.empty() && out.back() == ' ') out.pop_back();
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

Try<Json> decode_yaml(std::string_view text) {
  std::size_t budget = 200'000;
  try {
    return from_yaml(YAML::Load(std::string(text)), 0, budget);
  } catch (const YAML::Exception& error) {
    return bad_request(fmt::format("error converting YAML to JSON: yaml: {}", error.what()));
  }
}

Try<Body> decode_body(std::string_view body, std::string_view content_type,
                      std::string_view expected) {
  if (body.size() > kMaxBodyBytes) return too_large(kMaxBodyBytes);
  const std::string type = media_type(content_type);
  if (type.empty() || type == "application/json" || type == "*/*") {
    return decode_json(body, expected);
  }
  if (type == "application/yaml") {
    auto object = decode_yaml(body);
    if (!object.ok()) return std::move(object.failure());
    if (!object->is_object()) return unreadable(expected, "the document is no map");
    return Body{.object = std::move(*object), .duplicates = {}};
  }
  if (type == "application/vnd.kubernetes.protobuf") {
    Result<Json> object = decode_protobuf(body);
    if (object.ok()) return Body{.object = std::move(*object), .duplicates = {}};
    if (object.error().code() == Code::kUnimplemented) {
      return unsupported_media_type(object.error().message());
    }
    return bad_request(object.error().message());
  }
  return unsupported_media_type(
      "the body of the request was in an unknown format - accepted media types include: "
      "application/json, application/yaml, application/vnd.kubernetes.protobuf");
}

}  // namespace nacelle::kube::server
