// Every pair of dialects over tests/testdata/provider/<case>/: request, answer, stream and error.
// To accept a change, run with NACELLE_UPDATE_GOLDENS=1 and review the diff: it is a change of the
// contract with clients or with a provider.
//
//   case.json     endpoint, schema and the other members of Backend and Context
//   request.json  -> upstream.golden (path, headers, body), or the error when it is refused
//   answer.json   -> answer.golden
//   stream.txt    -> stream.golden; for AWS each line is "<event type> <payload>"
//   error.json    {status, body, error_type} -> error.golden
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/base64.h"
#include "base/file.h"
#include "provider/aws/event_stream.h"
#include "provider/client_error.h"
#include "provider/json/json.h"
#include "provider/translator.h"

namespace nacelle::provider {
namespace {

namespace fs = std::filesystem;
using json::Json;

struct Case {
  fs::path folder;
  Endpoint endpoint = Endpoint::kChatCompletions;
  Backend backend;
  Context context;

  [[nodiscard]] std::optional<std::string> read(const char* name) const {
    auto content = read_file(folder / name);
    return content ? std::optional(std::move(*content)) : std::nullopt;
  }
  [[nodiscard]] std::unique_ptr<Translator> translator() const {
    auto made = make_translator(endpoint, backend, context);
    EXPECT_TRUE(made.ok()) << made.status().to_string();
    return made ? std::move(*made) : nullptr;
  }
};

std::vector<Case> cases() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(fs::path(NACELLE_TESTDATA) / "provider")) {
    folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  std::vector<Case> out;
  for (const fs::path& folder : folders) {
    Case next{.folder = folder};
    const auto text = next.read("case.json");
    EXPECT_TRUE(text.has_value()) << folder;
    const Json settings = Json::parse(text.value_or("{}"));
    next.endpoint = *endpoint_of(json::string_member(settings, "endpoint"));
    next.backend.schema = *schema_of(json::string_member(settings, "schema"));
    next.backend.version = json::string_member(settings, "version");
    next.backend.model_override = json::string_member(settings, "model_override");
    next.context = {.request_id = "0123456789abcdef0123456789abcdef",
                    .created = 1700000000,
                    .client_model = json::string_member(settings, "client_model"),
                    .want_usage = json::bool_member(settings, "want_usage"),
                    .anthropic_beta = json::string_member(settings, "anthropic_beta")};
    out.push_back(std::move(next));
  }
  EXPECT_GE(out.size(), 12u);
  return out;
}

void expect_golden(const Case& c, const char* name, const std::string& actual) {
  const fs::path path = c.folder / name;
  if (std::getenv("NACELLE_UPDATE_GOLDENS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, actual).ok());
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.ok()) << expected.error().to_string();
  EXPECT_EQ(*expected, actual) << path;
}

std::string pretty(const std::string& body) {
  const Json parsed = Json::parse(body, nullptr, false);
  return (parsed.is_discarded() ? body : parsed.dump(2)) + "\n";
}

std::string to_text(const TokenUsage& u) {
  return fmt::format("usage: input {} cached {} created {} output {} reasoning {}{}\n", u.input,
                     u.cached_input, u.cache_creation, u.output, u.reasoning,
                     u.reported ? "" : " (not reported)");
}

// A translator that has seen the case's request.
std::unique_ptr<Translator> after_request(const Case& c) {
  auto translator = c.translator();
  const auto body = c.read("request.json");
  if (translator != nullptr && body) {
    EXPECT_TRUE(translator->request(*body).ok()) << c.folder;
  }
  return translator;
}

std::string upstream_bytes(const Case& c, const std::string& text) {
  const bool wrapped = c.backend.schema == Schema::kAwsAnthropic;
  if (!wrapped && c.backend.schema != Schema::kAwsBedrock) return text;
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    std::string type = line.substr(0, space);
    std::string payload = line.substr(space + 1);
    if (wrapped) payload = json::dump(Json{{"bytes", encode_base64(payload)}});
    if (wrapped) type = "chunk";
    out += aws::encode_message(
        {{":event-type", type}, {":content-type", "application/json"}, {":message-type", "event"}},
        payload);
  }
  return out;
}

struct Streamed {
  std::string out;
  Status status;
};

Streamed feed(const Case& c, const std::vector<std::string_view>& pieces) {
  auto translator = after_request(c);
  if (translator == nullptr) return {};
  const ResponsePlan plan = translator->response_head(
      {.status = 200, .content_type = "text/event-stream", .amzn_request_id = "amzn-1"});
  EXPECT_EQ(plan.delivery, Delivery::kStreamed) << c.folder;
  Streamed result;
  for (const std::string_view piece : pieces) {
    if (result.status.ok()) result.status = translator->chunk(piece, result.out);
  }
  if (result.status.ok()) result.status = translator->end(result.out);
  result.out += to_text(translator->usage());
  result.out += "model: " + translator->response_model() + "\n";
  return result;
}

TEST(TranslatorGolden, Request) {
  for (const Case& c : cases()) {
    const auto body = c.read("request.json");
    if (!body) continue;
    auto translator = c.translator();
    ASSERT_NE(translator, nullptr);
    const auto upstream = translator->request(*body);
    std::string text;
    if (upstream) {
      text = upstream->path + "\n";
      for (const auto& header : upstream->headers) text += header.name + ": " + header.value + "\n";
      // Pass-through must keep every byte, so its bodies are not laid out.
      const bool same = upstream->body.find('\n') != std::string::npos;
      text += "\n" + (same ? upstream->body : pretty(upstream->body));
    } else {
      const int status = http_status(upstream.error());
      text = std::to_string(status) + "\n" +
             pretty(gateway_error(client_dialect(c.endpoint), status, upstream.error().message()));
    }
    expect_golden(c, "upstream.golden", text);
  }
}

TEST(TranslatorGolden, Answer) {
  for (const Case& c : cases()) {
    const auto body = c.read("answer.json");
    if (!body) continue;
    std::string first;
    for (const std::size_t step : {body->size(), std::size_t{1}, std::size_t{7}}) {
      auto translator = c.translator();
      ASSERT_NE(translator, nullptr);
      if (auto request = c.read("request.json")) {
        // The same question without a stream.
        Json whole = Json::parse(*request);
        whole.erase("stream");
        ASSERT_TRUE(translator->request(json::dump(whole)).ok()) << c.folder;
      }
      (void)translator->response_head(
          {.status = 200, .content_type = "application/json", .amzn_request_id = "amzn-1"});
      std::string out;
      for (std::size_t at = 0; at < body->size(); at += step) {
        ASSERT_TRUE(translator->chunk(std::string_view(*body).substr(at, step), out).ok());
      }
      const Status status = translator->end(out);
      ASSERT_TRUE(status.ok()) << c.folder << status.to_string();
      out = pretty(out) + to_text(translator->usage()) + "model: " + translator->response_model() +
            "\n";
      if (first.empty()) first = out;
      ASSERT_EQ(first, out) << c.folder << " in steps of " << step;
    }
    expect_golden(c, "answer.golden", first);
  }
}

TEST(TranslatorGolden, Stream) {
  for (const Case& c : cases()) {
    const auto text = c.read("stream.txt");
    if (!text) continue;
    const std::string bytes = upstream_bytes(c, *text);
    const std::string_view all = bytes;
    const Streamed whole = feed(c, {all});
    ASSERT_TRUE(whole.status.ok()) << c.folder << whole.status.to_string();
    expect_golden(c, "stream.golden", whole.out);
    for (std::size_t at = 1; at < all.size(); ++at) {
      ASSERT_EQ(feed(c, {all.substr(0, at), all.substr(at)}).out, whole.out)
          << c.folder << " split at " << at;
    }
    std::vector<std::string_view> single;
    for (std::size_t at = 0; at < all.size(); ++at) single.push_back(all.substr(at, 1));
    ASSERT_EQ(feed(c, single).out, whole.out) << c.folder;
  }
}

// A backend that breaks off is an error, never a silent end; what came before stays a prefix.
TEST(TranslatorGolden, CutStream) {
  for (const Case& c : cases()) {
    const auto text = c.read("stream.txt");
    if (!text) continue;
    const std::string bytes = upstream_bytes(c, *text);
    const bool openai =
        c.backend.schema == Schema::kOpenAi || c.backend.schema == Schema::kAzureOpenAi;
    const bool passes = openai && c.endpoint != Endpoint::kMessages;
    const bool relays = passes || c.backend.schema == Schema::kAnthropic;
    if (relays && client_dialect(c.endpoint) != Dialect::kAnthropic) continue;
    if (c.backend.schema == Schema::kAnthropic && c.endpoint == Endpoint::kMessages) continue;
    const Streamed cut = feed(c, {std::string_view(bytes).substr(0, bytes.size() / 3)});
    EXPECT_FALSE(cut.status.ok()) << c.folder;
    EXPECT_EQ(cut.status.code(), Code::kDataLoss) << c.folder;
  }
}

TEST(TranslatorGolden, Error) {
  for (const Case& c : cases()) {
    const auto text = c.read("error.json");
    if (!text) continue;
    const Json error = Json::parse(*text);
    const int status = static_cast<int>(*json::integer_member(error, "status"));
    const std::string type = json::string_member(error, "error_type");
    auto translator = after_request(c);
    ASSERT_NE(translator, nullptr);
    const ResponsePlan plan = translator->response_head(
        {.status = status, .content_type = "application/json", .amzn_error_type = type});
    EXPECT_EQ(plan.status, status);
    EXPECT_EQ(plan.delivery, Delivery::kWhole);
    std::string out;
    ASSERT_TRUE(translator->chunk(json::string_member(error, "body"), out).ok());
    ASSERT_TRUE(translator->end(out).ok());
    expect_golden(c, "error.golden", pretty(out));
  }
}

}  // namespace
}  // namespace nacelle::provider
