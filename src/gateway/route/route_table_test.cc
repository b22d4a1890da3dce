#include "gateway/route/route_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "gateway/route/host_pattern.h"
#include "gateway/route/path.h"

namespace nacelle::gateway {
namespace {

// The text of gateway.md section 1.5, word by word: all entries that match, sorted.
int host_rank(const std::string& host) {
  if (host.empty()) return 0;
  return host.starts_with("*.") ? static_cast<int>(host.size()) : 1000;
}

bool path_matches(const PathMatch& path, std::string_view text) {
  switch (path.type) {
    case PathMatch::Type::kExact:
      return path.value == text;
    case PathMatch::Type::kRegex:
      return path.regex->matches(text);
    case PathMatch::Type::kPrefix:
      return path_has_prefix(text, path.value);
  }
  return false;
}

std::size_t prefix_length(const PathMatch& path) {
  std::string_view value = path.value;
  if (value.size() > 1 && value.ends_with("/")) value.remove_suffix(1);
  return path.type == PathMatch::Type::kExact ? 0 : value.size();
}

RouteFound slow_find(const std::vector<RouteEntry>& entries, const RouteQuery& query) {
  std::vector<const RouteEntry*> order;
  for (const RouteEntry& entry : entries) {
    if (host_matches(entry.host, query.host) && path_matches(entry.match.path, query.path))
      order.push_back(&entry);
  }
  std::stable_sort(order.begin(), order.end(), [](const RouteEntry* a, const RouteEntry* b) {
    if (host_rank(a->host) != host_rank(b->host)) return host_rank(a->host) > host_rank(b->host);
    if (a->match.path.type != b->match.path.type) return a->match.path.type < b->match.path.type;
    if (prefix_length(a->match.path) != prefix_length(b->match.path))
      return prefix_length(a->match.path) > prefix_length(b->match.path);
    if (a->match.method.empty() != b->match.method.empty()) return b->match.method.empty();
    if (a->match.headers.size() != b->match.headers.size())
      return a->match.headers.size() > b->match.headers.size();
    if (a->match.query.size() != b->match.query.size())
      return a->match.query.size() > b->match.query.size();
    if (a->created != b->created) {
      if (a->created.empty() || b->created.empty()) return b->created.empty();
      return a->created < b->created;
    }
    if (a->name != b->name) return a->name < b->name;
    if (a->rule != b->rule) return a->rule < b->rule;
    return a->position < b->position;
  });
  for (const RouteEntry* entry : order) {
    const Verdict verdict = check_conditions(entry->match, query);
    if (verdict == Verdict::kYes) return {RouteFound::Kind::kEntry, entry};
    if (verdict == Verdict::kUnknown) return {RouteFound::Kind::kNeedsModel, nullptr};
  }
  return {};
}

template <class T>
const T& any_of(std::mt19937& random, const std::vector<T>& list) {
  return list[random() % list.size()];
}

const std::vector<std::string> kPaths = {
    "/",  "/a",   "/a/",   "/a/b", "/a/b/c",   "/ab",   "/a/bc",
    "/b", "/b/a", "/a//b", "/v1",  "/v1/chat", "/v1/c", "/v1/chat/completions"};
const std::vector<std::string> kHosts = {"",          "a.com",   "b.com", "*.a.com",
                                         "*.b.a.com", "x.a.com", "*.com", "x.b.a.com"};

RouteEntry random_entry(std::mt19937& random, std::uint32_t target) {
  RouteEntry entry;
  entry.host = any_of(random, kHosts);
  PathMatch& path = entry.match.path;
  path.type = static_cast<PathMatch::Type>(random() % 3);
  if (path.type == PathMatch::Type::kRegex) {
    path.value = any_of<std::string>(random, {"/a.*", "/[ab]", "/v1/.+", "/a/b|/b", "/.*"});
    path.regex = *Regex::compile(path.value);
  } else {
    do path.value = any_of(random, kPaths);
    while (path.value.find("//") != std::string::npos);
  }
  if (random() % 3 == 0) entry.match.method = any_of<std::string>(random, {"GET", "POST"});
  for (const char* name : {"x-a", "X-B", "x-ai-eg-model"}) {
    if (random() % 5 == 0)
      entry.match.headers.push_back({name, any_of<std::string>(random, {"1", "2"}), nullptr});
  }
  if (random() % 5 == 0) entry.match.query.push_back({"q", "1", nullptr});
  entry.created = any_of<std::string>(random, {"", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"});
  entry.name = any_of<std::string>(random, {"n/a", "n/b", "m/z"});
  entry.rule = random() % 3;
  entry.position = target;
  entry.target = target;
  return entry;
}

TEST(RouteTable, AgreesWithThePrecedenceText) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 400; ++round) {
    std::vector<RouteEntry> entries;
    const std::size_t count = 1 + random() % 25;
    for (std::uint32_t i = 0; i < count; ++i) entries.push_back(random_entry(random, i));
    const RouteTable table(entries);
    for (int i = 0; i < 60; ++i) {
      net::http::Headers headers;
      if (random() % 2 == 0) headers.add("X-A", random() % 2 == 0 ? "1" : "2");
      if (random() % 2 == 0) headers.add("x-b", "1");
      headers.add("x-ai-eg-model", "2");  // of a client: never believed
      RouteQuery query;
      const std::string host =
          any_of<std::string>(random, {"a.com", "b.com", "x.a.com", "y.a.com", "x.b.a.com",
                                       "z.b.a.com", "a.b.c.com", "org", "com"});
      const std::string path = any_of(random, kPaths);
      query.host = host;
      query.method = random() % 2 == 0 ? "GET" : "POST";
      query.path = path;
      query.query = random() % 2 == 0 ? "a=2&q=1" : "q=2";
      query.headers = &headers;
      if (random() % 2 == 0) query.model = random() % 2 == 0 ? "1" : "3";
      const RouteFound fast = table.find(query), slow = slow_find(entries, query);
      ASSERT_EQ(fast.kind, slow.kind) << "round " << round << " " << host << path;
      if (fast.kind == RouteFound::Kind::kEntry) {
        ASSERT_EQ(fast.entry->target, slow.entry->target) << "round " << round << host << path;
      }
    }
  }
}

TEST(RouteTable, ReadsTheBodyOnlyWhenTheModelDecides) {
  RouteEntry by_model, by_method;
  by_model.match.path.value = "/v1";
  by_model.match.headers.push_back({"x-ai-eg-model", "llama", nullptr});
  by_model.target = 1;
  by_method.match.path.value = "/v1/models";
  by_method.match.path.type = PathMatch::Type::kExact;
  by_method.target = 2;
  const RouteTable table({by_model, by_method});
  const net::http::Headers headers;
  RouteQuery query;
  query.headers = &headers;
  query.path = "/v1/models";
  EXPECT_EQ(table.find(query).entry->target, 2u);
  query.path = "/v1/chat/completions";
  EXPECT_EQ(table.find(query).kind, RouteFound::Kind::kNeedsModel);
  query.model = "llama";
  EXPECT_EQ(table.find(query).entry->target, 1u);
  query.model = "other";
  EXPECT_EQ(table.find(query).kind, RouteFound::Kind::kNone);
}

TEST(RouteTable, APatternThatBacktracksWithoutEndDoesNotMatchAndEnds) {
  const auto regex = Regex::compile("(a+)+b");
  ASSERT_TRUE(regex);
  EXPECT_FALSE((*regex)->matches(std::string(5000, 'a')));
  EXPECT_TRUE((*regex)->matches("aab"));
  EXPECT_FALSE(Regex::compile("(a"));
  EXPECT_FALSE(Regex::compile(std::string(5000, 'a')));
}

TEST(HostPattern, Intersections) {
  struct Row {
    const char *a, *b, *both;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"", "a.com", "a.com"},
           {"*.a.com", "x.a.com", "x.a.com"},
           {"*.a.com", "a.com", nullptr},
           {"*.a.com", "*.b.a.com", "*.b.a.com"},
           {"*.a.com", "*.ba.com", nullptr},
           {"x.com", "y.com", nullptr},
           {"*.a.com", "x.y.a.com", "x.y.a.com"},
       }) {
    for (const auto& both : {intersect_hosts(row.a, row.b), intersect_hosts(row.b, row.a)}) {
      EXPECT_EQ(both.has_value(), row.both != nullptr) << row.a << " " << row.b;
      if (both && row.both != nullptr) {
        EXPECT_EQ(*both, row.both);
      }
    }
  }
  EXPECT_EQ(host_of("WWW.A.com:80"), "www.a.com");
  EXPECT_EQ(host_of("[::1]:80"), "::1");
  EXPECT_FALSE(check_hostname("*.a.com", Wildcard::kRefused).ok());
  EXPECT_FALSE(check_hostname("A.com", Wildcard::kAllowed).ok());
  EXPECT_FALSE(check_hostname("a..com", Wildcard::kAllowed).ok());
}

TEST(Path, OneFormForRoutingAndForwarding) {
  struct Row {
    const char *path, *normal;
  };
  for (const Row& row : std::initializer_list<Row>{{"/a/b", "/a/b"},
                                                   {"/a//b", "/a/b"},
                                                   {"/a/./b", "/a/b"},
                                                   {"/a/../b", "/b"},
                                                   {"/a/..", "/"},
                                                   {"/a/%2e%2E/b", "/b"},
                                                   {"/..", nullptr},
                                                   {"/a/../../b", nullptr},
                                                   {"/a/%2Fb", "/a/%2Fb"},
                                                   {"/a/...", "/a/..."},
                                                   {"/.hidden", "/.hidden"},
                                                   {"*", nullptr},
                                                   {"/a/", "/a/"},
                                                   {"//", "/"}}) {
    const auto normal = normalize_path(row.path);
    EXPECT_EQ(normal.has_value(), row.normal != nullptr) << row.path;
    if (normal && row.normal != nullptr) {
      EXPECT_EQ(*normal, row.normal);
      EXPECT_TRUE(is_normal_path(*normal));
    }
  }
  EXPECT_EQ(replace_prefix("/foo/bar", "/foo", "/xyz"), "/xyz/bar");
  EXPECT_EQ(replace_prefix("/foo/bar", "/foo/", "/xyz/"), "/xyz/bar");
  EXPECT_EQ(replace_prefix("/foo", "/foo", "/xyz"), "/xyz");
  EXPECT_EQ(replace_prefix("/foo/bar", "/foo", "/"), "/bar");
  EXPECT_EQ(replace_prefix("/foo", "/foo", ""), "/");
  EXPECT_EQ(replace_prefix("/foo/", "/foo", "/xyz"), "/xyz/");
  EXPECT_TRUE(path_has_prefix("/foo/", "/foo"));
  EXPECT_FALSE(path_has_prefix("/foobar", "/foo"));
  EXPECT_EQ(percent_decode("a%20b%"), "a b%");
}

}  // namespace
}  // namespace nacelle::gateway
