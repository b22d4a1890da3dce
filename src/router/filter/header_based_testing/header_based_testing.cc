#include "router/filter/header_based_testing/header_based_testing.h"

#include <algorithm>

namespace nacelle::router {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view without_brackets(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) return host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

bool lists_address(std::string_view list, std::string_view address) {
  const std::string_view host = without_brackets(address.substr(0, address.rfind(':')));
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    const std::string_view item = trimmed(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (item.empty()) continue;
    if (item == address || without_brackets(item) == host) return true;
  }
  return false;
}

std::shared_ptr<Plugin> HeaderBasedTestingFilter::make(Fields&, BuildContext& context) {
  context.reads_header(kHeader);
  return std::make_shared<HeaderBasedTestingFilter>();
}

void HeaderBasedTestingFilter::filter(const PickContext& context, Candidates& candidates) const {
  const std::string_view list = context.request.header(kHeader);
  candidates.keep_if([&](std::uint32_t position) {
    return lists_address(list, context.endpoint(position).address);
  });
}

}  // namespace nacelle::router
