#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

#include <gmock/gmock.h>

#include "tokenizer/pattern/word_scanner.h"
#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

std::string split(const PreTokenizer& pre_tokenizer, std::string_view text, bool at_origin = true) {
  PieceList pieces;
  pre_tokenizer.split({text, at_origin}, pieces);
  std::string out;
  for (const Piece& piece : pieces.items()) {
    out += out.empty() ? "" : "|";
    out += piece.text;
  }
  return out;
}

TEST(PreTokenizer, EachKind) {
  struct Row {
    const char *what, *json, *in, *out;
    bool at_origin = true;
  };
  const Row rows[] = {
      {"ByteLevel", R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true})",
       "a b's é", "a|Ġb|'s|ĠÃ©"},
      {"ByteLevel with a space in front", R"({"type":"ByteLevel","add_prefix_space":true})", "a b",
       "Ġa|Ġb"},
      {"ByteLevel without the regex",
       R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":false})", "a b", "aĠb"},
      {"Metaspace always", R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always"})",
       "a b", "▁a|▁b", false},
      {"Metaspace first, at the origin", R"({"type":"Metaspace","prepend_scheme":"first"})", "a  b",
       "▁a|▁|▁b"},
      {"Metaspace first, elsewhere", R"({"type":"Metaspace","prepend_scheme":"first"})", "a b",
       "a|▁b", false},
      {"Metaspace never", R"({"type":"Metaspace","prepend_scheme":"never"})", "a b", "a|▁b"},
      {"Metaspace does not prepend twice", R"({"type":"Metaspace","prepend_scheme":"always"})",
       " a", "▁a"},
      {"Metaspace without split", R"({"type":"Metaspace","prepend_scheme":"always","split":false})",
       "a b", "▁a▁b"},
      {"Metaspace, older key", R"({"type":"Metaspace","replacement":"_","add_prefix_space":false})",
       "a b", "a|_b"},
      {"Digits", R"({"type":"Digits","individual_digits":false})", "ab12c", "ab|12|c"},
      {"Digits one by one", R"({"type":"Digits","individual_digits":true})", "ab12c", "ab|1|2|c"},
      {"Whitespace", R"({"type":"Whitespace"})", "Hi, you-two\n!?", "Hi|,|you|-|two|!?"},
      {"WhitespaceSplit", R"({"type":"WhitespaceSplit"})", " Hi, \u3000you ", "Hi,|you"},
      {"Punctuation", R"({"type":"Punctuation"})", "a,b!!c", "a|,|b|!|!|c"},
      {"Punctuation contiguous", R"({"type":"Punctuation","behavior":"Contiguous"})", "a,b!!c",
       "a|,|b|!!|c"},
      {"CharDelimiterSplit", R"({"type":"CharDelimiterSplit","delimiter":"-"})", "a--b", "a|b"},
      {"BertPreTokenizer", R"({"type":"BertPreTokenizer"})", "Hi, you.", "Hi|,|you|."},
      {"Split removed",
       R"({"type":"Split","pattern":{"String":"-"},"behavior":"Removed","invert":false})", "-a--b",
       "a|b"},
      {"Split isolated", R"({"type":"Split","pattern":{"String":"-"},"behavior":"Isolated"})",
       "-a--b", "-|a|-|-|b"},
      {"Split merged with previous",
       R"({"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithPrevious"})", "-a--b",
       "-|a-|-|b"},
      {"Split merged with next",
       R"({"type":"Split","pattern":{"String":"-"},"behavior":"MergedWithNext"})", "a--b-",
       "a|-|-b|-"},
      {"Split contiguous", R"({"type":"Split","pattern":{"String":"-"},"behavior":"Contiguous"})",
       "-a--b", "-|a|--|b"},
      {"Split inverted",
       R"({"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Removed","invert":true})", "a, b",
       "a|b"},
      {"Sequence",
       R"({"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Punctuation"}]})",
       "a. b", "a|.|b"},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto plan = make_pre_tokenizer(json.node(), ByteAlphabet::kAsChars);
    ASSERT_TRUE(plan.ok()) << row.what << ": " << plan.error().to_string();
    ASSERT_NE(plan->pre_tokenizer, nullptr) << row.what;
    EXPECT_EQ(split(*plan->pre_tokenizer, row.in, row.at_origin), row.out) << row.what;
    EXPECT_FALSE(plan->model_reads_bytes);
  }
}

TEST(PreTokenizer, LeavesBytesToTheModelAndFindsTheScanner) {
  const ParsedJson gpt2(R"({"type":"ByteLevel","add_prefix_space":false})");
  auto plan = make_pre_tokenizer(gpt2.node(), ByteAlphabet::kLeftToModel);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->model_reads_bytes);
  EXPECT_EQ(plan->scanner, find_known_scanner(kGpt2Regex));
  EXPECT_EQ(split(*plan->pre_tokenizer, "a é"), "a| é");

  const ParsedJson qwen(R"({"type":"Sequence","pretokenizers":[
      {"type":"Split","pattern":{"Regex":"\\p{N}"},"behavior":"Isolated","invert":false},
      {"type":"ByteLevel","add_prefix_space":false,"use_regex":false}]})");
  plan = make_pre_tokenizer(qwen.node(), ByteAlphabet::kLeftToModel);
  ASSERT_TRUE(plan.ok());
  EXPECT_TRUE(plan->model_reads_bytes);
  EXPECT_EQ(plan->scanner, find_known_scanner("\\p{N}"));

  const ParsedJson prefixed(R"({"type":"ByteLevel","add_prefix_space":true})");
  EXPECT_EQ(make_pre_tokenizer(prefixed.node(), ByteAlphabet::kLeftToModel)->scanner, nullptr);
  const ParsedJson not_last(
      R"({"type":"Sequence","pretokenizers":[{"type":"ByteLevel"},{"type":"Digits"}]})");
  EXPECT_FALSE(make_pre_tokenizer(not_last.node(), ByteAlphabet::kLeftToModel)->model_reads_bytes);
}

TEST(PreTokenizer, SaysWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {R"({"type":"Splat"})", "pre_tokenizer: unknown pre-tokenizer \"Splat\""},
      {R"({"type":"Split"})", "pre_tokenizer.pattern: missing"},
      {R"({"type":"Split","pattern":{"String":"a"},"behavior":"Lost"})",
       "pre_tokenizer.behavior: unknown behavior \"Lost\""},
      {R"({"type":"Metaspace","replacement":"ab"})",
       "pre_tokenizer.replacement: expected one character"},
      {R"({"type":"Metaspace","prepend_scheme":"second"})", "unknown prepend_scheme \"second\""},
      {R"({"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":1}]})",
       "pre_tokenizer.pretokenizers[0].individual_digits: expected a boolean"},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto plan = make_pre_tokenizer(json.node("pre_tokenizer"), ByteAlphabet::kAsChars);
    ASSERT_FALSE(plan.ok()) << row.json;
    EXPECT_NE(plan.error().message().find(row.message), std::string::npos)
        << plan.error().message();
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
