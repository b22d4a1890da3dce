// A stream cut after any piece of news and resumed on a second server says what one server would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "serve/generation/resume.h"
#include "serve/testing/server_fixture.h"

namespace nacelle::serve {
namespace {

using engine::FinishReason;
using testing::bytes_of;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using ::testing::Not;
using testing::Script;
using testing::ServerFixture;
using testing::ServerSetup;

constexpr std::string_view kAsk = "x-nacelle-resume: 1\r\n";

// Says `text` and the EOS token, from where the request was resumed.
ServerSetup saying(std::string text) {
  ServerSetup setup;
  setup.script = [text](const engine::Request& request) {
    std::vector<TokenId> tokens = bytes_of(text);
    tokens.push_back(testing::kImEnd);
    tokens.erase(tokens.begin(), tokens.begin() + request.num_resumed_tokens);
    return Script{.tokens = std::move(tokens)};
  };
  return setup;
}

std::string header_of(const HttpAnswer& answer, std::string_view name) {
  const std::size_t at = answer.head.find(std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 2;
  return answer.head.substr(begin, answer.head.find("\r\n", begin) - begin);
}

// News between two token comments.
struct Piece {
  std::vector<nlohmann::ordered_json> events;
  std::vector<TokenId> tokens;
  bool last = false;
};

std::vector<Piece> pieces_of(std::string_view body) {
  std::vector<Piece> out(1);
  while (!body.empty()) {
    const std::size_t end = body.find("\n\n");
    const std::string_view block = body.substr(0, end);
    body.remove_prefix(end + 2);
    if (block == "data: [DONE]") continue;
    if (block.starts_with("data: ")) {
      out.back().events.push_back(nlohmann::ordered_json::parse(block.substr(6)));
      continue;
    }
    EXPECT_TRUE(block.starts_with(": t ")) << block;
    const char* at = block.data() + 4;
    const char* const stop = block.data() + block.size();
    while (at < stop) {
      TokenId token = 0;
      const auto parsed = std::from_chars(at, stop, token);
      if (parsed.ec != std::errc()) break;
      out.back().tokens.push_back(token);
      at = parsed.ptr + 1;
    }
    out.back().last = block.ends_with(" end");
    out.emplace_back();
  }
  return out;
}

// All that a client keeps of the events.
std::string said(const std::vector<Piece>& pieces, std::size_t first, std::size_t last) {
  std::string text;
  for (std::size_t i = first; i < last; ++i) {
    for (const auto& event : pieces[i].events) {
      if (event["choices"].empty()) {
        text += event["usage"].dump();
        continue;
      }
      const auto& choice = event["choices"][0];
      if (choice.contains("text")) text += choice["text"].get<std::string>();
      if (choice.contains("delta")) {
        const auto& delta = choice["delta"];
        if (delta.contains("role")) text += "<" + delta["role"].get<std::string>() + ">";
        if (delta.contains("content") && delta["content"].is_string()) {
          text += delta["content"].get<std::string>();
        }
        if (delta.contains("tool_calls")) {
          for (const auto& call : delta["tool_calls"]) {
            text += call["function"].value("name", "") + call["function"].value("arguments", "");
          }
        }
      }
      if (!choice["finish_reason"].is_null()) {
        text += "[" + choice["finish_reason"].get<std::string>() + "]";
      }
    }
  }
  return text;
}

std::set<std::string> names_in(const std::vector<Piece>& pieces) {
  std::set<std::string> out;
  for (const Piece& piece : pieces) {
    for (const auto& event : piece.events) {
      out.insert(event["id"].get<std::string>() + " " + event["created"].dump());
    }
  }
  return out;
}

struct Case {
  const char* name;
  const char* path;
  const char* body;  // without its last brace
  const char* text;
};

class Resume : public ::testing::TestWithParam<Case> {};

TEST_P(Resume, AnyCutGoesOnUnseen) {
  const Case& test = GetParam();
  ServerFixture first(saying(test.text));
  const HttpAnswer whole = first.post(test.path, std::string(test.body) + "}", kAsk);
  ASSERT_EQ(whole.status, 200) << whole.body;
  const std::string name = header_of(whole, kResumeHeader);
  ASSERT_THAT(name, HasSubstr("\"id\":"));
  const std::vector<Piece> pieces = pieces_of(whole.body);
  ASSERT_GE(pieces.size(), 2u);
  const std::string expected = said(pieces, 0, pieces.size());

  std::vector<TokenId> seen;
  for (std::size_t cut = 0; cut + 1 < pieces.size() && !pieces[cut].last; ++cut) {
    seen.insert(seen.end(), pieces[cut].tokens.begin(), pieces[cut].tokens.end());
    ServerFixture second(saying(test.text));
    const std::string resume =
        fmt::format("{},\"nacelle_resume\":{},\"tokens\":[{}]}}}}", test.body,
                    name.substr(0, name.size() - 1), fmt::join(seen, ","));
    const HttpAnswer rest = second.post(test.path, resume, kAsk);
    ASSERT_EQ(rest.status, 200) << rest.body;
    const std::vector<Piece> more = pieces_of(rest.body);
    EXPECT_EQ(said(pieces, 0, cut + 1) + said(more, 0, more.size()), expected) << cut;
    EXPECT_EQ(names_in(more), names_in(pieces));
    EXPECT_EQ(second.engine().requests().at(0).num_resumed_tokens, seen.size());
    EXPECT_EQ(second.engine().requests().at(0).params.seed,
              first.engine().requests().at(0).params.seed);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Streams, Resume,
    ::testing::Values(
        Case{"completion", "/v1/completions", R"({"prompt":"ab","stream":true)", "hello"},
        Case{"characters of several bytes", "/v1/completions",
             R"({"prompt":"ab","stream":true,"stream_options":{"include_usage":true})",
             "h\u00e9\u6f22y"},
        Case{"text held back for a stop string", "/v1/completions",
             R"({"prompt":"ab","stream":true,"stop":"lolz","temperature":0)", "hello lol lolz x"},
        Case{"chat", "/v1/chat/completions",
             R"({"messages":[{"role":"user","content":"x"}],"stream":true)", "good day"},
        Case{"tool calls", "/v1/chat/completions",
             R"({"messages":[{"role":"user","content":"x"}],"stream":true,"tool_choice":"auto",
                 "tools":[{"type":"function","function":{"name":"f","parameters":{}}}])",
             "so <tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>"}),
    [](const auto& info) {
      std::string name = info.param.name;
      std::replace(name.begin(), name.end(), ' ', '_');
      return name;
    });

TEST(ResumeRequests, OnlyWhoAsksSeesTokens) {
  ServerFixture server(saying("hello"));
  const HttpAnswer plain = server.post("/v1/completions", R"({"prompt":"ab","stream":true})");
  EXPECT_THAT(plain.head, Not(HasSubstr("x-nacelle-resume")));
  EXPECT_THAT(plain.body, Not(HasSubstr(": t ")));
  const HttpAnswer two =
      server.post("/v1/completions", R"({"prompt":["ab","cd"],"stream":true})", kAsk);
  EXPECT_THAT(two.head, Not(HasSubstr("x-nacelle-resume")));
  EXPECT_THAT(two.body, Not(HasSubstr(": t ")));
}

TEST(ResumeRequests, BadOnesAreRefused) {
  ServerFixture server(saying("hello"));
  const auto error = [&](std::string_view fields) {
    const HttpAnswer answer =
        server.post("/v1/completions", fmt::format(R"({{"prompt":"ab",{}}})", fields));
    EXPECT_EQ(answer.status, 400) << fields << answer.body;
    return answer.error_message();
  };
  EXPECT_THAT(error(R"("nacelle_resume":{"id":"a"})"), HasSubstr("needs a stream"));
  EXPECT_THAT(error(R"("stream":true,"nacelle_resume":3)"), HasSubstr("nacelle_resume"));
  EXPECT_THAT(error(R"("stream":true,"nacelle_resume":{"id":""})"), HasSubstr("0 bytes"));
  EXPECT_THAT(error(R"("stream":true,"nacelle_resume":{"id":"a","tokens":[999999]})"),
              HasSubstr("999999"));
  EXPECT_THAT(error(R"("stream":true,"nacelle_resume":{"id":"a","tokens":[-1]})"), HasSubstr("-1"));
  EXPECT_THAT(error(R"("stream":true,"stop":"l","nacelle_resume":{"id":"a","tokens":[104,108]})"),
              HasSubstr("already end"));
  EXPECT_EQ(server.engine().requests().size(), 0u);
  EXPECT_EQ(server.engine().places_in_use(), 0);
}

}  // namespace
}  // namespace nacelle::serve
