#include "tokenizer/normalizer/normalizer.h"

#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

TEST(Normalizer, EachKind) {
  struct Row {
    const char *what, *json, *in, *out;
    bool at_origin = true;
  };
  const Row rows[] = {
      {"NFC", R"({"type":"NFC"})", "e\u0301", "é"},
      {"NFKD", R"({"type":"NFKD"})", "ﬁ", "fi"},
      {"Lowercase", R"({"type":"Lowercase"})", "ÀBÇ İ", "àbç i\u0307"},
      {"StripAccents drops marks, not composed letters", R"({"type":"StripAccents"})", "e\u0301é",
       "eé"},
      {"StripAccents at the start moves the origin", R"({"type":"StripAccents"})", "\u0301a", "a",
       false},
      {"Nmt", R"({"type":"Nmt"})", "a\tb\u0001c\u200Bd", "a bc d"},
      {"Strip", R"({"type":"Strip","strip_left":true,"strip_right":true})", "\u3000 a b \n", "a b",
       false},
      {"Strip right only", R"({"type":"Strip","strip_left":false,"strip_right":true})", " a ",
       " a"},
      {"Prepend", R"({"type":"Prepend","prepend":"▁"})", "a", "▁a"},
      {"Prepend leaves nothing alone", R"({"type":"Prepend","prepend":"▁"})", "", ""},
      {"Replace string", R"({"type":"Replace","pattern":{"String":" "},"content":"▁"})", "a  b",
       "a▁▁b"},
      {"Replace regex", R"({"type":"Replace","pattern":{"Regex":" {2,}"},"content":"_"})",
       "a   b c", "a_b c"},
      {"ByteLevel", R"({"type":"ByteLevel"})", "é ", "Ã©Ġ"},
      {"Sequence",
       R"({"type":"Sequence","normalizers":[{"type":"Lowercase"},
           {"type":"Prepend","prepend":"x"}]})",
       "A", "xa"},
      {"empty Sequence", R"({"type":"Sequence","normalizers":[]})", "A", "A"},
      {"BertNormalizer",
       R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,
           "strip_accents":null,"lowercase":true})",
       "É\t漢\u0001x", "e  漢 x"},
      {"BertNormalizer keeps accents when it keeps case",
       R"({"type":"BertNormalizer","lowercase":false,"strip_accents":null})", "É", "É"},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto normalizer = make_normalizer(json.node());
    ASSERT_TRUE(normalizer.ok()) << row.what << normalizer.error().to_string();
    NormalText text{std::string(row.in)};
    (*normalizer)->apply(text);
    EXPECT_EQ(text.text, row.out) << row.what;
    EXPECT_EQ(text.at_origin, row.at_origin) << row.what;
  }
}

TEST(Normalizer, SaysWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {R"({"kind":"NFC"})", "normalizer.type: missing"},
      {R"({"type":"NFX"})", "normalizer: unknown normalizer \"NFX\""},
      {R"({"type":7})", "normalizer.type: expected a string, found a number"},
      {R"({"type":"Prepend"})", "normalizer.prepend: missing"},
      {R"({"type":"Strip","strip_left":"yes"})",
       "normalizer.strip_left: expected a boolean, found a string"},
      {R"({"type":"Replace","pattern":{"Regex":"["},"content":""})", "normalizer.pattern.Regex: "},
      {R"({"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"no"}]})",
       "normalizer.normalizers[1]: "},
      {R"({"type":"Sequence","normalizers":{}})", "normalizer.normalizers: expected an array"},
      {R"({"type":"Precompiled","precompiled_charsmap":"?"})",
       "normalizer.precompiled_charsmap: not base64"},
      {R"({"type":"Precompiled","precompiled_charsmap":"AAAA"})", "shorter than its header"},
      {R"({"type":"Precompiled","precompiled_charsmap":"/////wAAAAA="})",
       "the trie claims 4294967295 bytes"},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto normalizer = make_normalizer(json.node("normalizer"));
    ASSERT_FALSE(normalizer.ok()) << row.json;
    EXPECT_NE(normalizer.error().message().find(row.message), std::string::npos)
        << normalizer.error().message();
  }
}

TEST(Normalizer, RefusesDeepNesting) {
  std::string json = R"({"type":"NFC"})";
  for (int i = 0; i < 40; ++i) json = R"({"type":"Sequence","normalizers":[)" + json + "]}";
  const ParsedJson parsed(json);
  EXPECT_NE(make_normalizer(parsed.node()).error().message().find("nest too deeply"),
            std::string::npos);
}

}  // namespace
}  // namespace nacelle::tokenizer
