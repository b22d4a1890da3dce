#include "tokenizer/pattern/pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "base/utf8.h"
#include "tokenizer/pattern/known_patterns.h"
#include "tokenizer/pattern/regex.h"
#include "tokenizer/pattern/regex_translate.h"
#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

// "[match]gap[match]"
std::string show(std::string_view text, const std::vector<Span>& spans) {
  std::string out;
  for (const Span& span : spans) {
    const std::string_view part = text.substr(span.begin, span.end - span.begin);
    out += span.matched ? fmt::format("[{}]", part) : std::string(part);
  }
  return out;
}

std::string find_all(const Pattern& pattern, std::string_view text) {
  std::vector<Span> spans;
  pattern.find_all(text, spans);
  return show(text, spans);
}

std::string find_all(std::string_view regex, std::string_view text) {
  const auto compiled = Regex::compile(regex);
  if (!compiled.ok()) return compiled.error().to_string();
  std::vector<Span> spans;
  compiled->find_all(text, spans);
  return show(text, spans);
}

// Characters around which the known patterns decide, and some from everywhere.
std::string random_text(std::mt19937& random) {
  static constexpr std::u32string_view kPool =
      U"aabzABZ'''  "
      U"\t\n\r\r\n0123456789stredmvlSTREDMVL\u017F.,!/-_()$+\u00A0\u0085\u3000\u2028\u180E\u200Dé"
      U"ÉßŁǅʰªßЖж漢字ひカ一龥\u3040\u30FF\u0301\u0900\u0903\u20E0\u0660½Ⅳ①😀"
      U"🏽"
      U"\u0000"
      U"\u001B"
      U"\u007F"
      U"\uFFFD"
      U"\u0870\uA7D0\U00011F02\U0001E4D0";
  std::string out;
  const int length = static_cast<int>(random() % 24);
  for (int i = 0; i < length; ++i) {
    char32_t c = kPool[random() % kPool.size()];
    if (random() % 16 == 0) c = random() % 0x110000;
    if (c >= 0xD800 && c <= 0xDFFF) c = U'x';
    append_utf8(out, c);
    if (random() % 8 == 0) append_utf8(out, c);
  }
  return out;
}

TEST(KnownPatterns, ScannersEqualPcre2OnRandomText) {
  for (const KnownPattern& known : known_patterns()) {
    const auto regex = Regex::compile(known.regex);
    ASSERT_TRUE(regex.ok()) << known.name << ": " << regex.error().to_string();
    const auto pattern = make_regex_pattern(known.regex);
    ASSERT_TRUE(pattern.ok());
    ASSERT_EQ((*pattern)->scanner(), known.scanner) << known.name;
    std::mt19937 random(42);
    for (int i = 0; i < 8000; ++i) {
      const std::string text = random_text(random);
      std::vector<Span> expected;
      regex->find_all(text, expected);
      ASSERT_EQ(find_all(**pattern, text), show(text, expected)) << known.name << ", text " << i;
    }
  }
}

TEST(KnownPatterns, WordsOfEachFamily) {
  struct Row {
    const char *name, *text, *pieces;
  };
  const Row rows[] = {
      {"gpt2", "I'm  here\n\n1234 don'T", "[I]['m][ ][ here][\n][\n][1234][ don]['][T]"},
      {"llama 3", "I'M  here\n\n1234 x", "[I]['M][ ][ here][\n\n][123][4][ x]"},
      {"qwen 2", "12 (ab)\n", "[1][2][ (][ab][)\n]"},
      {"o200k", "XMLHttpRequest's a/b/\n", "[XMLHttp][Request's][ a][/b][/\n]"},
      {"tekken", "camelCase's", "[camel][Case]['s]"},
      {"deepseek words", "a1.b$ \n", "[a]1[.b][$][ \n]"},
      {"three digits", "a12345", "a[123][45]"},
      {"ideographs and kana", "a漢字x", "a[漢字]x"},
  };
  for (const Row& row : rows) {
    for (const KnownPattern& known : known_patterns()) {
      if (known.name != row.name) continue;
      const auto pattern = make_regex_pattern(known.regex);
      EXPECT_EQ(find_all(**pattern, row.text), row.pieces) << row.name;
    }
  }
}

TEST(Regex, MeansWhatOnigurumaMeans) {
  struct Row {
    const char *what, *regex, *text, *spans;
  };
  const Row rows[] = {
      {"letters newer than PCRE2's tables", R"(\p{L}+)", "a\u0870\U00011F02.",
       "[a\u0870\U00011F02]."},
      {"U+180E is no space", R"(\s)", "a\u180E b", "a\u180E[ ]b"},
      {"next line is a space", R"(\s)", "a\u0085b", "a[\u0085]b"},
      {"not a space, inside a class", R"([\S]+)", "ab\u3000c", "[ab]\u3000[c]"},
      {"\\h is a hexadecimal digit", R"(\h+)", "xfFg 9", "x[fF]g [9]"},
      {"\\d is any decimal digit", R"(\d+)", "a1٣Ⅳ", "a[1٣]Ⅳ"},
      {"punct includes symbols", R"([[:punct:]])", "a+😀!", "a[+][😀][!]"},
      {"negated property", R"(\P{L}+)", "ab12", "ab[12]"},
      {"negated property in braces", R"([\p{^L}x]+)", "ab12x", "ab[12x]"},
      {"script", R"(\p{Han}+)", "a漢字", "a[漢字]"},
      {"^ and $ are per line", "^b$", "a\nb\nc", "a\n[b]\nc"},
      {"no empty match right behind another", "x*", "axb", "[]a[x]b[]"},
      {"lookahead", R"(\s+(?!\S))", "a  b ", "a[ ] b[ ]"},
      {"class without another", R"([\p{L}&&[^\p{Han}]]+)", "ab漢c", "[ab]漢[c]"},
      {"class and another", R"([a-z&&[aeiou]]x)", "axbx", "[ax]bx"},
      {"a bracket first in a class", "[]a]+", "]ab", "[]a]b"},
  };
  for (const Row& row : rows) EXPECT_EQ(find_all(row.regex, row.text), row.spans) << row.what;
}

TEST(Regex, RefusesWhatItCannotSay) {
  EXPECT_EQ(Regex::compile(R"([a-z&&[^aeiou]x])").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"([^a&&[b]])").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"([a&&[b&&[c]]])").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"([a&&[b)").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"([a&&b])").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"([a[bc]])").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"([\W])").error().code(), Code::kUnimplemented);
  EXPECT_EQ(Regex::compile(R"(\p{L)").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Regex::compile("(").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Regex::compile(R"(a\C)").error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Regex::compile(std::string(5000, '(')).error().code(), Code::kInvalidArgument);
}

TEST(Regex, HostilePatternEndsAtTheMatchLimit) {
  const std::string text(40, 'a');
  EXPECT_EQ(find_all("(a+)+b", text), text);  // 2^40 ways: one gap instead
}

TEST(MakePattern, ReadsStringsAndRegexes) {
  EXPECT_EQ(find_all(**make_pattern(ParsedJson(R"({"String":"ab"})").node()), "xababy"),
            "x[ab][ab]y");
  EXPECT_EQ(find_all(**make_pattern(ParsedJson(R"({"String":""})").node()), "xy"), "xy");
  EXPECT_EQ(find_all(**make_pattern(ParsedJson(R"({"Regex":"b+"})").node()), "abb"), "a[bb]");
  const auto bad = make_pattern(ParsedJson(R"({"Regex":"("})").node("normalizer.pattern"));
  EXPECT_NE(bad.error().message().find("normalizer.pattern.Regex: "), std::string::npos);
  EXPECT_FALSE(make_pattern(ParsedJson(R"({"Glob":"*"})").node()).ok());
}

}  // namespace
}  // namespace nacelle::tokenizer
