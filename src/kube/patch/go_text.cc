#include "kube/patch/go_text.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMost = 400;

void append(const Json& value, std::string& out) {
  if (out.size() > kMost) return;
  if (value.is_object()) {
    out += "map[";
    bool first = true;
    for (const auto& [name, member] : value.items()) {
      if (!first) out += ' ';
      first = false;
      out += name + ":";
      append(member, out);
    }
    out += ']';
  } else if (value.is_array()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ' ';
      append(value[i], out);
    }
    out += ']';
  } else if (value.is_string()) {
    out += value.get_ref<const std::string&>();
  } else if (value.is_null()) {
    out += "<nil>";
  } else {
    out += to_json_text(value);
  }
}

}  // namespace

std::string go_text(const Json& value) {
  std::string out;
  append(value, out);
  if (out.size() > kMost) {
    out.resize(kMost);
    out += "...";
  }
  return out;
}

}  // namespace nacelle::kube
