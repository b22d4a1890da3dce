// links: provider
// provider_translator_fuzz.cc: bodies of clients and answers of providers, through every pair.
//
// The first byte chooses the pair; a line "====" parts the client's body from the backend's bytes.
// Checks: no crash, and the same bytes out however the answer is cut.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "provider/translator.h"

namespace {

using namespace nacelle::provider;

constexpr std::array<Schema, 8> kSchemas{
    Schema::kOpenAi,       Schema::kAzureOpenAi, Schema::kAnthropic,    Schema::kAwsBedrock,
    Schema::kAwsAnthropic, Schema::kGcpVertexAi, Schema::kGcpAnthropic, Schema::kCohere};
constexpr std::string_view kParting = "\n====\n";

struct Outcome {
  std::string out;
  bool ok = true;
};

Outcome run(Endpoint endpoint, Schema schema, bool alias, std::string_view body,
            std::string_view answer, std::size_t step) {
  Context context{.request_id = "id",
                  .want_usage = true,
                  .content_type = "multipart/form-data; boundary=b",
                  .max_answer_bytes = 1 << 16};
  if (alias) context.client_model = "alias";
  auto translator = make_translator(endpoint, {.schema = schema, .version = "v"}, context);
  if (!translator.ok()) return {"", false};
  (void)(*translator)->request(body);
  const int status = answer.size() % 7 == 0 ? 500 : 200;
  (void)(*translator)->response_head({.status = status, .content_type = "text/event-stream"});
  Outcome result;
  for (std::size_t at = 0; at < answer.size() && result.ok; at += step) {
    result.ok = (*translator)->chunk(answer.substr(at, step), result.out).ok();
  }
  if (result.ok) result.ok = (*translator)->end(result.out).ok();
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t pair = data[0];
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t parting = input.find(kParting);
  const std::string_view body = input.substr(0, parting);
  const std::string_view answer =
      parting == std::string_view::npos ? input : input.substr(parting + kParting.size());
  // Of clients that speak Anthropic, and of those that speak OpenAI.
  constexpr std::array<Endpoint, 4> kMessages{Endpoint::kMessages, Endpoint::kCountTokens,
                                              Endpoint::kMessages, Endpoint::kCountTokens};
  constexpr std::array<Endpoint, 4> kChat{Endpoint::kChatCompletions, Endpoint::kTokenize,
                                          Endpoint::kEmbeddings, Endpoint::kTranscription};
  const Endpoint endpoint = ((pair & 8) != 0 ? kMessages : kChat)[pair >> 5 & 3];
  const Schema schema = kSchemas[pair & 7];
  const bool alias = (pair & 16) != 0;
  const Outcome whole = run(endpoint, schema, alias, body, answer, answer.size() + 1);
  const Outcome split = run(endpoint, schema, alias, body, answer, 1 + size % 5);
  if (whole.ok != split.ok || (whole.ok && whole.out != split.out)) std::abort();
  return 0;
}
