#include "openai/json_writer.h"

#include <cmath>
#include <cstring>
#include <limits>

#include <gtest/gtest.h>

namespace nacelle::openai {
namespace {

std::string written(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonWriter, EscapesLikePythonWithoutAsciiOnly) {
  EXPECT_EQ(written("plain"), R"("plain")");
  EXPECT_EQ(written("quote\" back\\ slash/"), R"("quote\" back\\ slash/")");
  EXPECT_EQ(written("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(written(std::string("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(written("caf\u00e9 \U0001F600"), "\"caf\u00e9 \U0001F600\"");
  EXPECT_EQ(written(""), "\"\"");
}

TEST(JsonWriter, PlacesCommas) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("a").begin_array().integer(1).integer(-2).begin_object().end_object().end_array();
  json.key("b").null();
  json.key("c").begin_array().end_array();
  json.key("d").raw("[1]").key("e").boolean(true);
  json.end_object();
  EXPECT_EQ(out, R"({"a":[1,-2,{}],"b":null,"c":[],"d":[1],"e":true})");
}

TEST(JsonWriter, FloatsAreShortestAndLaidOutAsPythonDoes) {
  const std::pair<double, const char*> rows[] = {
      {0.0, "0.0"},
      {-0.0, "-0.0"},
      {1.0, "1.0"},
      {-1.0, "-1.0"},
      {0.7, "0.7"},
      {100.0, "100.0"},
      {123.456, "123.456"},
      {0.0001, "0.0001"},
      {0.00001, "1e-05"},
      {1.5e-7, "1.5e-07"},
      {1e15, "1000000000000000.0"},
      {1e16, "1e+16"},
      {1.25e300, "1.25e+300"},
      {5e-324, "5e-324"},
      {-9999.0, "-9999.0"},
      {0.1 + 0.2, "0.30000000000000004"},
  };
  for (const auto& [value, expected] : rows) EXPECT_EQ(python_float(value), expected);
  std::string out;
  JsonWriter(out).number(0.1f);
  EXPECT_EQ(out, "0.1");
}

TEST(JsonWriter, FloatsReadBackExactly) {
  std::uint32_t state = 12345;
  for (int i = 0; i < 20000; ++i) {
    state = state * 1664525u + 1013904223u;
    float value;
    static_assert(sizeof value == sizeof state);
    std::memcpy(&value, &state, sizeof value);
    if (!std::isfinite(value)) continue;
    std::string out;
    JsonWriter(out).number(value);
    EXPECT_EQ(std::strtof(out.c_str(), nullptr), value) << out;
  }
}

TEST(JsonWriter, NeverWritesNotANumber) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  json.number(std::nan("")).number(HUGE_VAL);
  json.logprob(-std::numeric_limits<float>::infinity()).logprob(std::nanf("")).logprob(-1e9f);
  json.logprob(-0.5f);
  json.end_array();
  EXPECT_EQ(out, "[null,null,-9999.0,-9999.0,-9999.0,-0.5]");
}

}  // namespace
}  // namespace nacelle::openai
