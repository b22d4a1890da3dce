#include "gateway/route/route_table.h"

#include <algorithm>
#include <array>

namespace nacelle::gateway {
namespace {

// The next segment of a path, which is cut off; false at its end. "/a/" ends after "a".
bool next_segment(std::string_view& path, std::string_view& segment) {
  if (path.size() <= 1) return false;
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  segment = path.substr(0, end);
  path.remove_prefix(end);
  return true;
}

bool by_precedence(const RouteEntry* a, const RouteEntry* b) { return asked_before(*a, *b); }

bool longer_pattern_first(const RouteEntry* a, const RouteEntry* b) {
  const std::size_t left = a->match.path.value.size(), right = b->match.path.value.size();
  return left != right ? left > right : asked_before(*a, *b);
}

// The first entry of the group that matches or might.
RouteFound ask(const std::vector<const RouteEntry*>& group, const RouteQuery& request) {
  for (const RouteEntry* entry : group) {
    switch (check_conditions(entry->match, request)) {
      case Verdict::kYes:
        return {RouteFound::Kind::kEntry, entry};
      case Verdict::kUnknown:
        return {RouteFound::Kind::kNeedsModel, nullptr};
      case Verdict::kNo:
        break;
    }
  }
  return {};
}

}  // namespace

RouteTable::RouteTable(std::vector<RouteEntry> entries) : entries_(std::move(entries)) {
  for (const RouteEntry& entry : entries_) {
    if (entry.host.empty() || entry.host == "*") {
      if (!any_host_) any_host_ = std::make_unique<Host>();
      insert(*any_host_, entry);
    } else if (entry.host.starts_with("*.")) {
      insert(wildcard_hosts_[entry.host.substr(1)], entry);
    } else {
      insert(exact_hosts_[entry.host], entry);
    }
  }
  const auto finish = [](Host& host) {
    for (auto& [path, group] : host.exact) std::sort(group.begin(), group.end(), by_precedence);
    std::sort(host.patterns.begin(), host.patterns.end(), longer_pattern_first);
    sort(host.prefixes);
  };
  for (auto& [name, host] : exact_hosts_) finish(host);
  for (auto& [suffix, host] : wildcard_hosts_) finish(host);
  if (any_host_) finish(*any_host_);
}

void RouteTable::insert(Host& host, const RouteEntry& entry) {
  switch (entry.match.path.type) {
    case PathMatch::Type::kExact:
      host.exact[entry.match.path.value].push_back(&entry);
      return;
    case PathMatch::Type::kRegex:
      host.patterns.push_back(&entry);
      return;
    case PathMatch::Type::kPrefix:
      break;
  }
  Node* node = &host.prefixes;
  std::string_view rest = entry.match.path.value, segment;
  while (next_segment(rest, segment)) {
    auto& child = node->children[std::string(segment)];
    if (!child) child = std::make_unique<Node>();
    node = child.get();
  }
  node->group.push_back(&entry);
}

void RouteTable::sort(Node& node) {
  std::sort(node.group.begin(), node.group.end(), by_precedence);
  for (auto& [segment, child] : node.children) sort(*child);
}

RouteFound RouteTable::find_in(const Host& host, const RouteQuery& request) {
  if (const auto exact = host.exact.find(request.path); exact != host.exact.end()) {
    if (const RouteFound found = ask(exact->second, request);
        found.kind != RouteFound::Kind::kNone) {
      return found;
    }
  }
  for (const RouteEntry* entry : host.patterns) {
    // Conditions first: they are cheaper than a pattern.
    const Verdict verdict = check_conditions(entry->match, request);
    if (verdict == Verdict::kNo || !entry->match.path.regex->matches(request.path)) continue;
    if (verdict == Verdict::kUnknown) return {RouteFound::Kind::kNeedsModel, nullptr};
    return {RouteFound::Kind::kEntry, entry};
  }
  if (!request.path.starts_with("/")) return {};
  // Down as far as the path leads, then up from the longest prefix. Values are at most 1024 bytes,
  // so a branch has at most 512 nodes.
  std::array<const Node*, 513> branch;
  std::size_t depth = 0;
  branch[depth++] = &host.prefixes;
  std::string_view rest = request.path, segment;
  while (depth < branch.size() && next_segment(rest, segment)) {
    const auto child = branch[depth - 1]->children.find(segment);
    if (child == branch[depth - 1]->children.end()) break;
    branch[depth++] = child->second.get();
  }
  while (depth > 0) {
    const RouteFound found = ask(branch[--depth]->group, request);
    if (found.kind != RouteFound::Kind::kNone) return found;
  }
  return {};
}

RouteFound RouteTable::find(const RouteQuery& request) const {
  RouteFound found;
  if (!exact_hosts_.empty()) {
    if (const auto host = exact_hosts_.find(request.host); host != exact_hosts_.end()) {
      found = find_in(host->second, request);
      if (found.kind != RouteFound::Kind::kNone) return found;
    }
  }
  if (!wildcard_hosts_.empty()) {
    // From the longest suffix: each dot but one at the front begins one.
    for (std::size_t dot = request.host.find('.', 1); dot != std::string_view::npos;
         dot = request.host.find('.', dot + 1)) {
      const auto host = wildcard_hosts_.find(request.host.substr(dot));
      if (host == wildcard_hosts_.end()) continue;
      found = find_in(host->second, request);
      if (found.kind != RouteFound::Kind::kNone) return found;
    }
  }
  return any_host_ ? find_in(*any_host_, request) : found;
}

}  // namespace nacelle::gateway
