#include "tokenizer/added/added_vocabulary.h"

#include <gtest/gtest.h>

#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

// "text|<5>|text": ids in angle brackets.
std::string show(const std::vector<AddedVocabulary::Segment>& segments) {
  std::string out;
  for (const auto& segment : segments) {
    out += out.empty() ? "" : "|";
    out += segment.id < 0 ? std::string(segment.text)
                          : fmt::format("<{}:{}>", segment.id, segment.text);
  }
  return out;
}

std::string split(const AddedVocabulary& added, std::string_view text,
                  SpecialTokens special = SpecialTokens::kParsed) {
  std::vector<AddedVocabulary::Segment> segments;
  added.split_raw(text, special, segments);
  return show(segments);
}

AddedVocabulary make(std::vector<AddedToken> tokens) {
  AddedVocabulary added;
  for (AddedToken& token : tokens) {
    token.normalized = false;
    added.add(std::move(token), Vocabulary());
  }
  added.prepare(nullptr);
  return added;
}

TEST(AddedVocabulary, Splits) {
  struct Row {
    const char* what;
    std::vector<AddedToken> tokens;
    const char *text, *segments;
  };
  const Row rows[] = {
      {"nothing to find", {{.content = "<s>"}}, "abc", "abc"},
      {"empty text", {{.content = "<s>"}}, "", ""},
      {"in the middle", {{.content = "<s>"}}, "a<s>b", "a|<0:<s>>|b"},
      {"at both ends", {{.content = "<s>"}}, "<s><s>", "<0:<s>>|<0:<s>>"},
      {"longest wins", {{.content = "<s>"}, {.content = "<s>>"}}, "<s>>", "<1:<s>>>"},
      {"leftmost wins over longest",
       {{.content = "ab"}, {.content = "bcde"}},
       "abcde",
       "<0:ab>|cde"},
      {"lstrip", {{.content = "<s>", .lstrip = true}}, "a \n <s> b", "a|<0: \n <s>>| b"},
      {"rstrip", {{.content = "<s>", .rstrip = true}}, "a <s> \u3000b", "a |<0:<s> \u3000>|b"},
      {"white space is not taken twice",
       {{.content = "<s>", .lstrip = true, .rstrip = true}},
       "<s> <s>",
       "<0:<s> >|<0:<s>>"},
      {"single word",
       {{.content = "x", .single_word = true}},
       "x ax xa é_x x.",
       "<0:x>| ax xa é_x |<0:x>|."},
  };
  for (const Row& row : rows)
    EXPECT_EQ(split(make(row.tokens), row.text), row.segments) << row.what;
}

TEST(AddedVocabulary, SpecialTokensCanBePlainText) {
  const AddedVocabulary added = make({{.content = "<s>", .special = true}, {.content = "<t>"}});
  EXPECT_EQ(split(added, "<s><t>"), "<0:<s>>|<1:<t>>");
  EXPECT_EQ(split(added, "<s><t>", SpecialTokens::kPlainText), "<s>|<1:<t>>");
}

TEST(AddedVocabulary, GivesIdsAsTheReferenceDoes) {
  Vocabulary model;
  model.add("a", 0);
  model.add("<s>", 1);
  AddedVocabulary added;
  added.add({.content = "<s>", .id = 77}, model);    // the model's id
  added.add({.content = "<new>", .id = 99}, model);  // the next free one
  added.add({.content = "<next>"}, model);
  added.add({.content = "<s>", .special = true}, model);  // only becomes special
  added.add({.content = ""}, model);
  added.prepare(nullptr);
  EXPECT_EQ(added.find("<s>")->id, 1);
  EXPECT_TRUE(added.find("<s>")->special);
  EXPECT_EQ(added.find("<new>")->id, 2);
  EXPECT_EQ(added.find("<next>")->id, 3);
  EXPECT_EQ(added.id_limit(), 4u);
}

TEST(AddedVocabulary, NormalizedTokensAreFoundInNormalizedText) {
  const ParsedJson json(R"({"type":"Lowercase"})");
  const auto lowercase = make_normalizer(json.node());
  AddedVocabulary added;
  added.add({.content = "HeLLo", .normalized = true}, Vocabulary());
  added.prepare(lowercase->get());
  EXPECT_TRUE(added.has_normalized());
  EXPECT_EQ(split(added, "HeLLo"), "HeLLo");
  std::vector<AddedVocabulary::Segment> segments;
  added.split_normalized("oh hello", SpecialTokens::kParsed, segments);
  EXPECT_EQ(show(segments), "oh |<0:hello>");
}

TEST(AddedToken, IsParsedWithDefaults) {
  const ParsedJson json(R"({"content":"<s>","special":true,"lstrip":true})");
  const auto token = parse_added_token(json.node());
  ASSERT_TRUE(token.ok());
  EXPECT_TRUE(token->special && token->lstrip && !token->rstrip && !token->normalized);
  const ParsedJson bad(R"({"content":"<s>","special":"no"})");
  EXPECT_EQ(parse_added_token(bad.node("added_tokens[3]")).error().message(),
            "added_tokens[3].special: expected a boolean, found a string");
}

}  // namespace
}  // namespace nacelle::tokenizer
