#include "router/signals/endpoints_file.h"

#include <algorithm>
#include <array>

#include "router/config/fields.h"
#include "router/config/scalar_text.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kMaxEndpoints = 10'000;

bool is_ipv4(std::string_view text) {
  int parts = 0;
  while (true) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::string_view part = text.substr(0, dot);
    const auto value = parse_integer_text(part);
    if (part.empty() || part.size() > 3 || part[0] == '+' || !value || *value < 0 || *value > 255) {
      return false;
    }
    ++parts;
    if (dot == text.size()) return parts == 4;
    text.remove_prefix(dot + 1);
  }
}

// An entry, or what is wrong with it in `problems`.
FileEndpoint read_entry(const ConfigNode& node, std::string path, Problems& problems) {
  FileEndpoint out;
  Fields fields(&node, std::move(path), problems);
  std::string address, port;
  fields.text("name", out.name);
  fields.text("namespace", out.name_space);
  fields.text("address", address);
  fields.text("port", port);
  fields.string_map("labels", out.labels);
  fields.finish();
  if (out.name.empty()) fields.problem("name", "is missing");
  if (!is_ipv4(address)) {
    fields.problem("address", fmt::format("'{}' is no IPv4 address", address.substr(0, 100)));
  }
  const auto number = parse_integer_text(port);
  if (!number || *number < 1 || *number > 65535) {
    fields.problem("port", fmt::format("'{}' is outside 1 to 65535", port.substr(0, 100)));
  } else {
    out.address = fmt::format("{}:{}", address, *number);
  }
  return out;
}

}  // namespace

Result<EndpointsFile> parse_endpoints_file(std::string_view text) {
  ASSIGN_OR_RETURN(const ConfigNode root, parse_config_text(text));
  EndpointsFile out;
  const ConfigNode* list = root.find("endpoints");
  if (!root.is_map() || list == nullptr || !(list->is_list() || list->is_null())) {
    return invalid_argument("expected a map with the list `endpoints`");
  }
  if (list->items.size() > kMaxEndpoints) {
    return invalid_argument("{} endpoints; a file may have {}", list->items.size(), kMaxEndpoints);
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string path = fmt::format("endpoints[{}]", i);
    Problems problems;
    FileEndpoint entry = read_entry(list->items[i], path, problems);
    if (problems.empty() &&
        std::any_of(out.endpoints.begin(), out.endpoints.end(), [&](const FileEndpoint& other) {
          return other.name == entry.name && other.name_space == entry.name_space;
        })) {
      problems.add(path + ".name", fmt::format("another endpoint is named '{}' too", entry.name));
    }
    if (problems.empty()) {
      out.endpoints.push_back(std::move(entry));
    } else {
      out.skipped.push_back(problems.status("").message());
    }
  }
  return out;
}

}  // namespace nacelle::router
