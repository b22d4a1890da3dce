#include "tokenizer/post_processor/post_processor.h"

#include <gmock/gmock.h>

#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

using testing::ElementsAre;

std::vector<TokenId> apply(const char* json) {
  const ParsedJson parsed(json);
  const auto processor = make_post_processor(parsed.node());
  EXPECT_TRUE(processor.ok()) << processor.error().to_string();
  std::vector<TokenId> ids{10, 11};
  if (processor.ok()) processor->apply(ids);
  return ids;
}

TEST(PostProcessor, EachKind) {
  EXPECT_THAT(apply(R"({"type":"ByteLevel","trim_offsets":true})"), ElementsAre(10, 11));
  EXPECT_THAT(apply(R"({"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]})"),
              ElementsAre(1, 10, 11, 2));
  EXPECT_THAT(
      apply(R"({"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",0],"trim_offsets":true})"),
      ElementsAre(0, 10, 11, 2));
  EXPECT_THAT(
      apply(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
                {"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[],
                "special_tokens":{"<s>":{"id":"<s>","ids":[1,5],"tokens":["<s>","x"]},
                                  "</s>":{"id":"</s>","ids":[2],"tokens":["</s>"]}}})"),
      ElementsAre(1, 5, 10, 11, 2));
  EXPECT_THAT(apply(R"({"type":"Sequence","processors":[{"type":"ByteLevel"},
                {"type":"BertProcessing","sep":["s",2],"cls":["c",1]},
                {"type":"BertProcessing","sep":["s",4],"cls":["c",3]}]})"),
              ElementsAre(3, 1, 10, 11, 2, 4));
}

TEST(PostProcessor, BosAndEos) {
  std::vector<TokenId> ids{10};
  make_bos_eos(1, std::nullopt).apply(ids);
  EXPECT_THAT(ids, ElementsAre(1, 10));
  make_bos_eos(std::nullopt, 2).apply(ids);
  EXPECT_THAT(ids, ElementsAre(1, 10, 2));
  make_bos_eos(std::nullopt, std::nullopt).apply(ids);
  EXPECT_THAT(ids, ElementsAre(1, 10, 2));
}

TEST(PostProcessor, SaysWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {R"({"type":"Wrap"})", "unknown post-processor \"Wrap\""},
      {R"({"type":"BertProcessing","sep":["s",2]})", "p.cls: missing"},
      {R"({"type":"BertProcessing","sep":["s"],"cls":["c",1]})", "p.sep: expected [token, id]"},
      {R"({"type":"BertProcessing","sep":["s",-2],"cls":["c",1]})", "p.sep[1]: -2 is outside"},
      {R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"B"}}]})", "\"B\" has no place"},
      {R"({"type":"TemplateProcessing","single":[{"Word":1}]})", "p.single[0]: expected"},
      {R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}],
           "special_tokens":{}})",
       "p.special_tokens: the template uses \"x\""},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto processor = make_post_processor(json.node("p"));
    ASSERT_FALSE(processor.ok()) << row.json;
    EXPECT_NE(processor.error().message().find(row.message), std::string::npos)
        << processor.error().message();
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
