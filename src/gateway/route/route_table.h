// route_table.h: which rule serves a request, compiled from all matches of a listener.
//
// Precedence: the most specific host first (exact, then the longest wildcard, then any); within a
// host exact paths, then patterns (longer first), then the longest prefix; within a path those with
// a method, then more headers, then more parameters, then the older route, then names, then order.
// The first entry of that order whose conditions hold is found.
//
// When the first entry that could match asks for the model's name and the body was not read yet,
// the answer is kNeedsModel: only then a body must be held before the route is known.
//
// Home:    immutable after the constructor; any thread.
// Cost:    one hash of the host per label, one of the path, a walk of the prefix trie; patterns are
//          tried one by one.
// Source:  gateway.md section 1.5.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/route/match.h"

namespace nacelle::gateway {

struct RouteFound {
  enum class Kind : std::uint8_t { kNone, kEntry, kNeedsModel };
  Kind kind = Kind::kNone;
  const RouteEntry* entry = nullptr;  // of kEntry; lives as long as the table
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

class RouteTable {
 public:
  RouteTable() = default;
  explicit RouteTable(std::vector<RouteEntry> entries);
  RouteTable(RouteTable&&) noexcept = default;
  RouteTable& operator=(RouteTable&&) noexcept = default;

  [[nodiscard]] RouteFound find(const RouteQuery& request) const;
  [[nodiscard]] const std::vector<RouteEntry>& entries() const { return entries_; }

 private:
  using Group = std::vector<const RouteEntry*>;  // one path; in the order they are asked
  struct Node {
    StringMap<std::unique_ptr<Node>> children;  // by path segment
    Group group;
  };
  struct Host {
    StringMap<Group> exact;
    Group patterns;
    Node prefixes;
  };

  static void insert(Host& host, const RouteEntry& entry);
  static void sort(Node& node);
  static RouteFound find_in(const Host& host, const RouteQuery& request);

  std::vector<RouteEntry> entries_;
  StringMap<Host> exact_hosts_;
  StringMap<Host> wildcard_hosts_;  // by suffix with its dot: ".example.com"
  std::unique_ptr<Host> any_host_;
};

}  // namespace nacelle::gateway
