#include "provider/usage_meter.h"

#include <gtest/gtest.h>

namespace nacelle::provider {
namespace {

struct Row {
  const char* name;
  AnswerForm form;
  std::string text;
  TokenUsage usage;
  std::string model;
};

TokenUsage usage_of(std::uint64_t input, std::uint64_t output, std::uint64_t cached = 0,
                    std::uint64_t creation = 0, std::uint64_t reasoning = 0) {
  return {true, input, cached, creation, output, reasoning};
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = {
      {"chat answer", AnswerForm::kJson,
       R"({"id":"c","model":"m-1","choices":[{"message":{"content":"a \"usage\":{\"prompt_tokens\":9}"}}],)"
       R"( "usage" : {"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,)"
       R"("prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}})",
       usage_of(7, 3, 4, 0, 2), "m-1"},
      {"a tool's input that looks like usage", AnswerForm::kJson,
       R"({"content":[{"type":"tool_use","input":{"usage":{"input_tokens":0,"output_tokens":0}}}],)"
       R"("model":"claude","usage":{"input_tokens":5,"output_tokens":6,"cache_read_input_tokens":10,"cache_creation_input_tokens":20}})",
       usage_of(35, 6, 10, 20), "claude"},
      {"embeddings", AnswerForm::kJson,
       R"({"object":"list","data":[{"embedding":[0.1,-2e-3]}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}})",
       usage_of(8, 0), "e"},
      {"no usage", AnswerForm::kJson, R"({"model":"m","usage":null})", {}, "m"},
      {"not JSON", AnswerForm::kJson, "<html>]]}}\"usage\"", {}, ""},
      {"chat stream with nulls before the usage", AnswerForm::kStream,
       "data: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":null}\n\n"
       "data: "
       "{\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}"
       "\r\n\r\ndata: [DONE]\n\n",
       usage_of(1, 2), "m"},
      {"a null beside the usage, spaces, and text about usage", AnswerForm::kStream,
       "data: {\"model\":\"m\",\"x\":{\"usage\":null},\"c\":\"\\\"usage\\\"\",\"usage\" : null}\n\n"
       "data: {\"x\":{\"usage\":null},\"usage\" "
       ":\t{\"prompt_tokens\":1,\"completion_tokens\":2}}\n\n"
       "data: {\"model\":\"m\",\"usage\": null}\n\n",
       usage_of(1, 2), "m"},
      {"messages stream", AnswerForm::kStream,
       "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude\","
       "\"usage\":{\"input_tokens\":4,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n"
       "event: message_delta\ndata: "
       "{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}\n\n",
       usage_of(6, 9, 2), "claude"},
      {"responses stream", AnswerForm::kStream,
       "data:{\"type\":\"response.completed\",\"response\":{\"model\":\"r\",\"usage\":{"
       "\"input_tokens\":12,\"input_tokens_details\":{\"cached_tokens\":3},\"output_tokens\":4}}}",
       usage_of(12, 4, 3), "r"},
      {"negative and huge counts are not believed",
       AnswerForm::kJson,
       R"({"usage":{"prompt_tokens":-1,"completion_tokens":99999999999999999999}})",
       {true, 0, 0, 0, 0, 0},
       ""},
  };
  return table;
}

TEST(UsageMeter, EveryChunkingReadsTheSame) {
  for (const Row& row : rows()) {
    for (std::size_t step = 1; step <= row.text.size(); ++step) {
      UsageMeter meter(row.form);
      for (std::size_t at = 0; at < row.text.size(); at += step) {
        meter.feed(std::string_view(row.text).substr(at, step));
      }
      meter.finish();
      ASSERT_EQ(meter.usage(), row.usage) << row.name << " in steps of " << step;
      ASSERT_EQ(meter.model(), row.model) << row.name << " in steps of " << step;
    }
  }
}

TEST(UsageMeter, LineBeyondTheBoundIsSkippedAndTheNextOneRead) {
  UsageMeter meter(AnswerForm::kStream);
  const std::string piece(1000, 'x');
  meter.feed("data: {\"model\":\"m\",\"x\":\"");
  for (std::size_t i = 0; i < 2 * UsageMeter::kMaxLineBytes / piece.size(); ++i) meter.feed(piece);
  meter.feed("\"}\ndata: {\"model\":\"n\",\"usage\":{\"prompt_tokens\":3}}\n");
  EXPECT_EQ(meter.model(), "n");
  EXPECT_EQ(meter.usage().input, 3u);
}

}  // namespace
}  // namespace nacelle::provider
