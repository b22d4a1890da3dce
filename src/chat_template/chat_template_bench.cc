// chat_template_bench.cc: what a request pays for its prompt text.
#include <fstream>
#include <sstream>

#include <benchmark/benchmark.h>

#include "chat_template/chat_template.h"

namespace nacelle::chat_template {
namespace {

using Json = nlohmann::ordered_json;

std::string template_source(const std::string& family) {
  std::ifstream file(std::string(NACELLE_TESTDATA) + "/chat_template/families/" + family +
                     ".jinja");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// `count` messages: questions, answers with thoughts, tool calls and their results.
Json conversation(int count) {
  const std::string sentence = "The quick brown fox jumps over the lazy dog, again and again. ";
  std::string paragraph;
  for (int i = 0; i < 8; ++i) paragraph += sentence;  // about 500 bytes
  Json messages = Json::array({{{"role", "system"}, {"content", sentence}}});
  while (static_cast<int>(messages.size()) < count) {
    messages.push_back({{"role", "user"}, {"content", paragraph}});
    messages.push_back(
        {{"role", "assistant"},
         {"content", "<think>\nLook it up.\n</think>\n\nOne moment."},
         {"tool_calls", Json::array({{{"type", "function"},
                                      {"function",
                                       {{"name", "search"},
                                        {"arguments", {{"query", sentence}, {"limit", 5}}}}}}})}});
    messages.push_back({{"role", "tool"}, {"content", paragraph}});
    messages.push_back({{"role", "assistant"}, {"content", paragraph}});
  }
  Json tools = Json::array();
  for (int i = 0; i < 5; ++i) {
    tools.push_back(
        {{"type", "function"},
         {"function",
          {{"name", "tool_" + std::to_string(i)},
           {"description", sentence},
           {"parameters",
            {{"type", "object"},
             {"properties", {{"query", {{"type", "string"}, {"description", sentence}}}}},
             {"required", {"query"}}}}}}});
  }
  return {{"messages", messages}, {"tools", tools}, {"add_generation_prompt", true}};
}

void BM_Parse(benchmark::State& state) {
  const std::string source = template_source("qwen3_style");
  for (auto _ : state) benchmark::DoNotOptimize(ChatTemplate::parse(source));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * source.size()));
}
BENCHMARK(BM_Parse)->Unit(benchmark::kMicrosecond);

void BM_Render(benchmark::State& state, const char* family) {
  const auto chat_template = *ChatTemplate::parse(template_source(family));
  const Json variables = conversation(static_cast<int>(state.range(0)));
  std::size_t bytes = 0;
  for (auto _ : state) {
    auto text = chat_template->render(variables, {});
    bytes += text.value().size();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK_CAPTURE(BM_Render, qwen3, "qwen3_style")
    ->Arg(1)
    ->Arg(50)
    ->Arg(500)
    ->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Render, chatml, "chatml")->Arg(50)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace nacelle::chat_template
