#include "kube/schema/messages.h"

#include <charconv>
#include <mutex>
#include <sstream>

#include "base/check.h"

namespace nacelle::kube::schema {
namespace {

Field parse_field(std::string_view word) {
  Field field;
  if (word.starts_with('^')) {
    field.inlined = true;
    word.remove_prefix(1);
  }
  const auto take = [&](std::string_view stops) {
    const std::size_t end = std::min(word.find_first_of(stops), word.size());
    const std::string_view part = word.substr(0, end);
    word.remove_prefix(end);
    return part;
  };
  field.name = take("=:{*");
  if (word.starts_with('=')) {
    word.remove_prefix(1);
    const std::string_view digits = take(":{*");
    std::from_chars(digits.data(), digits.data() + digits.size(), field.number);
  }
  if (word.starts_with(':')) {
    word.remove_prefix(1);
    field.type = take("*");
  }
  if (word.starts_with('{')) {
    word.remove_prefix(1);
    field.map = true;
    field.type = take("}");
    word.remove_prefix(1);
  }
  field.list = word == "*";
  CHECK(!field.name.empty() && (word.empty() || field.list));
  return field;
}

void parse_table(std::string_view text, std::map<std::string, Message, std::less<>>& out) {
  std::istringstream words{std::string(text)};
  Message* current = nullptr;
  for (std::string word; words >> word;) {
    if (word.ends_with(':')) {
      word.pop_back();
      current = &out[word];
      current->name = word;
    } else {
      CHECK(current != nullptr);
      current->fields.push_back(parse_field(word));
    }
  }
}

class Builder {
 public:
  NodePtr node(std::string_view name) {
    if (const auto known = nodes_.find(name); known != nodes_.end()) return known->second;
    const Message* found = message(name);
    CHECK(found != nullptr);
    auto out = std::make_shared<Node>();
    out->type = Type::kObject;
    out->name = found->name;
    if (name == "FieldsV1") {
      out->type = Type::kAny;
    } else {
      add_fields(*found, *out);
    }
    nodes_[out->name] = out;
    return out;
  }

 private:
  void add_fields(const Message& from, Node& out) {
    for (const Field& field : from.fields) {
      if (field.inlined) {
        add_fields(*message(field.type), out);
        continue;
      }
      NodePtr value = scalar(field.type);
      if (value == nullptr) value = node(field.type);
      if (field.list || field.map) {
        auto container = std::make_shared<Node>();
        container->type = field.list ? Type::kArray : Type::kObject;
        (field.list ? container->items : container->values) = value;
        value = container;
      }
      out.properties[field.name] = value;
    }
  }

  NodePtr scalar(std::string_view type) {
    static const std::map<std::string_view, std::pair<Type, const char*>> kScalars = {
        {"", {Type::kString, ""}},
        {"i", {Type::kInteger, "int64"}},
        {"b", {Type::kBoolean, ""}},
        {"y", {Type::kBytes, "byte"}},
        {"any", {Type::kAny, ""}},
        {"Quantity", {Type::kQuantity, ""}},
        {"IntOrString", {Type::kIntOrString, "int-or-string"}},
        {"Time", {Type::kTime, "date-time"}},
        {"MicroTime", {Type::kTime, "date-time"}}};
    const auto found = kScalars.find(type);
    if (found == kScalars.end()) return nullptr;
    auto& known = scalars_[std::string(type)];
    if (known == nullptr) {
      auto node = std::make_shared<Node>();
      node->type = found->second.first;
      node->format = found->second.second;
      known = node;
    }
    return known;
  }

  std::map<std::string, NodePtr, std::less<>> nodes_;
  std::map<std::string, NodePtr> scalars_;
};

}  // namespace

const Field* Message::by_number(int number) const {
  for (const Field& field : fields) {
    if (field.number == number) return &field;
  }
  return nullptr;
}

const std::map<std::string, Message, std::less<>>& messages() {
  static const auto kMessages = [] {
    std::map<std::string, Message, std::less<>> out;
    for (const std::string_view table : {core_messages(), pod_messages(), workload_messages(),
                                         policy_messages(), gateway_messages()}) {
      parse_table(table, out);
    }
    return out;
  }();
  return kMessages;
}

const Message* message(std::string_view name) {
  const auto found = messages().find(name);
  return found == messages().end() ? nullptr : &found->second;
}

NodePtr node_of(std::string_view name) {
  static std::mutex mutex;  // first uses only: kinds keep their node
  static Builder builder;
  std::lock_guard lock(mutex);
  return builder.node(name);
}

}  // namespace nacelle::kube::schema
