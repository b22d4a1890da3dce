#include "gateway/ai/keys/key_store.h"

#include <gtest/gtest.h>

#include "gateway/ai/glob.h"

namespace nacelle::gateway::ai {
namespace {

constexpr WallTime kNow = std::chrono::sys_days{std::chrono::year{2026} / 11 / 29};

ClientKey key(std::string id, std::string_view text) {
  ClientKey out;
  out.id = std::move(id);
  out.hash = sha256(text);
  return out;
}

std::shared_ptr<const KeyTable> table() {
  ClientKey limited = key("limited", "sk-limited");
  limited.models = {"llama-*", "qwen?"};
  ClientKey disabled = key("disabled", "sk-disabled");
  disabled.disabled = true;
  ClientKey expired = key("expired", "sk-expired");
  expired.expires = kNow;
  auto made = KeyTable::make({key("all", "sk-all"), limited, disabled, expired});
  EXPECT_TRUE(made.ok());
  return *made;
}

struct Row {
  const char* name;
  net::http::Headers headers;
  std::string id;  // "" = refused with `code`
  Code code = Code::kOk;
};

TEST(KeyStore, Table) {
  const std::vector<Row> rows{
      {"bearer", {{"authorization", "Bearer sk-all"}}, "all"},
      {"scheme in any case", {{"Authorization", "bEARER  sk-all"}}, "all"},
      {"x-api-key", {{"x-api-key", "sk-all"}}, "all"},
      {"bearer wins", {{"x-api-key", "sk-all"}, {"authorization", "Bearer sk-limited"}}, "limited"},
      {"none", {}, "", Code::kUnauthenticated},
      {"unknown", {{"x-api-key", "sk-al"}}, "", Code::kUnauthenticated},
      {"another scheme", {{"authorization", "Basic sk-all"}}, "", Code::kUnauthenticated},
      {"disabled", {{"x-api-key", "sk-disabled"}}, "", Code::kPermissionDenied},
      {"expired", {{"x-api-key", "sk-expired"}}, "", Code::kPermissionDenied},
  };
  const auto keys = table();
  for (const Row& row : rows) {
    const auto found = keys->authenticate(row.headers, kNow);
    ASSERT_EQ(found.ok(), !row.id.empty()) << row.name;
    if (found.ok()) {
      EXPECT_EQ((*found)->id, row.id) << row.name;
    } else {
      EXPECT_EQ(found.status().code(), row.code) << row.name;
      EXPECT_EQ(found.status().message().find("sk-"), std::string::npos) << "a key in a message";
    }
  }
  EXPECT_TRUE(
      keys->authenticate({{"x-api-key", "sk-expired"}}, kNow - std::chrono::seconds(1)).ok());
}

TEST(KeyStore, ModelsAreGlobs) {
  const auto keys = table();
  const ClientKey& limited = keys->keys()[1];
  EXPECT_TRUE(KeyTable::authorize_model(limited, "llama-8b").ok());
  EXPECT_TRUE(KeyTable::authorize_model(limited, "qwen3").ok());
  EXPECT_EQ(KeyTable::authorize_model(limited, "qwen").code(), Code::kNotFound);
  EXPECT_TRUE(matches_glob("*-*-b", "a-x-c-b"));
  EXPECT_FALSE(matches_glob("*-*-b", "a-b"));
  EXPECT_TRUE(matches_glob("**", ""));
}

TEST(KeyStore, DuplicatesAreRefusedAndReplaceIsSeen) {
  EXPECT_EQ(KeyTable::make({key("a", "1"), key("a", "2")}).status().code(), Code::kAlreadyExists);
  EXPECT_EQ(KeyTable::make({key("a", "1"), key("b", "1")}).status().code(), Code::kAlreadyExists);
  KeyStore store(table());
  const auto before = store.snapshot();
  store.replace(*KeyTable::make({key("new", "sk-new")}));
  EXPECT_FALSE(store.snapshot()->authenticate({{"x-api-key", "sk-all"}}, kNow).ok());
  EXPECT_TRUE(before->authenticate({{"x-api-key", "sk-all"}}, kNow).ok()) << "requests in flight";
}

TEST(KeyStore, ErrorBodies) {
  const Status status = not_found("no \"m\"");
  EXPECT_EQ(client_error_status(status), 404);
  EXPECT_EQ(client_error_body(provider::Dialect::kOpenAi, status),
            R"({"error":{"message":"no \"m\"","type":"invalid_request_error","param":"model",)"
            R"("code":"model_not_found"}})");
  EXPECT_EQ(client_error_body(provider::Dialect::kAnthropic, unauthenticated("x")),
            R"({"type":"error","error":{"type":"authentication_error","message":"x"}})");
  EXPECT_EQ(client_error_status(resource_exhausted("x")), 429);
}

}  // namespace
}  // namespace nacelle::gateway::ai
