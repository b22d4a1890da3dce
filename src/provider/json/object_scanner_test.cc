#include "provider/json/object_scanner.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "provider/json/json.h"

namespace nacelle::provider::json {
namespace {

std::string walk(std::string_view text) {
  ObjectScanner scanner(text);
  std::string out;
  while (const auto member = scanner.next()) {
    out += std::string(member->key) + "=" + std::string(member->value) + ";";
  }
  return out + (scanner.ok() ? "ok" : "bad");
}

TEST(ObjectScanner, MembersWhereTheyStand) {
  EXPECT_EQ(walk(R"( { "a" : 1 , "b":{"x":[1,"}"]},"c":"\"," } )"),
            R"(a=1;b={"x":[1,"}"]};c="\",";ok)");
  EXPECT_EQ(walk("{}"), "ok");
}

TEST(ObjectScanner, MalformedTextIsNotOk) {
  for (const char* text :
       {"", "[]", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{,}",
        "{\"a\":[}]}", "{\"a\":\"x}", "{} x", "{\"a\":nul}", "{\"a\":\"\\\"}", "{\"a\":]}"}) {
    EXPECT_TRUE(walk(text).ends_with("bad")) << text;
  }
}

TEST(ObjectScanner, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(walk(nested(ObjectScanner::kMaxDepth)).ends_with("ok"));
  EXPECT_TRUE(walk(nested(ObjectScanner::kMaxDepth + 1)).ends_with("bad"));
}

// Every prefix of a good body agrees with the tree parser on whether it is whole.
TEST(ObjectScanner, AgreesWithTheTreeParserOnEveryPrefix) {
  const std::string body =
      R"({"model":"m\\\"","n":[1,{"x":null}],"t":true,"f":-1.5e3,"o":{"k":{}}})";
  for (std::size_t size = 0; size <= body.size(); ++size) {
    const std::string_view text = std::string_view(body).substr(0, size);
    EXPECT_EQ(walk(text).ends_with("ok"), parse_object(text).ok()) << text;
  }
}

TEST(ObjectScanner, KeysAndStringsWithEscapes) {
  EXPECT_TRUE(key_is("mod\\u0065l", "model"));
  EXPECT_FALSE(key_is("mod\\u0065", "model"));
  EXPECT_EQ(string_value("\"a\\u00e9\""), "a\u00e9");
  EXPECT_EQ(string_value("1"), std::nullopt);
  EXPECT_EQ(string_value("\"\\x\""), std::nullopt);
  EXPECT_EQ(unsigned_value("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"18446744073709551616", "-1", "1.5", "", "1e3"}) {
    EXPECT_EQ(unsigned_value(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace nacelle::provider::json
