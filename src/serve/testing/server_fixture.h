// server_fixture.h: the server over a fake engine on a loopback port, for tests.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "async/runtime.h"
#include "async/work_pool.h"
#include "base/check.h"
#include "chat_template/chat_template.h"
#include "net/testing/raw_client.h"
#include "serve/server.h"
#include "serve/testing/byte_tokenizer.h"
#include "serve/testing/fake_engine.h"

namespace nacelle::serve::testing {

using net::testing::RawClient;

struct HttpAnswer {
  int status = 0;
  std::string head;
  std::string body;  // without chunk framing

  [[nodiscard]] nlohmann::ordered_json json() const {
    return nlohmann::ordered_json::parse(body, nullptr, false);
  }
  // The message of an error body; "" for others.
  [[nodiscard]] std::string error_message() const {
    const auto parsed = json();
    if (!parsed.is_object() || !parsed.contains("error") || !parsed["error"].is_object()) return "";
    return parsed["error"]["message"].get<std::string>();
  }
};

[[nodiscard]] inline std::string join_chunks(std::string_view framed) {
  std::string out;
  while (!framed.empty()) {
    const std::size_t line = framed.find("\r\n");
    if (line == std::string_view::npos) break;
    const std::size_t size = std::strtoul(std::string(framed.substr(0, line)).c_str(), nullptr, 16);
    if (size == 0) break;
    out += framed.substr(line + 2, size);
    framed.remove_prefix(std::min(framed.size(), line + 2 + size + 2));
  }
  return out;
}

[[nodiscard]] inline HttpAnswer parse_answer(const std::string& raw) {
  HttpAnswer out;
  const std::size_t end = raw.find("\r\n\r\n");
  if (end == std::string::npos) return out;
  out.head = raw.substr(0, end + 2);
  out.status = std::atoi(raw.c_str() + raw.find(' ') + 1);
  out.body = raw.substr(end + 4);
  std::string lower = out.head;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lower.find("transfer-encoding: chunked") != std::string::npos) {
    out.body = join_chunks(out.body);
  }
  return out;
}

struct ServerSetup {
  ServerConfig config = default_config();
  FakeEngine::MakeScript script = say("hello");
  std::int64_t max_queued = 0;
  std::size_t work_pool_queue = 64;
  std::string chat_template{kChatMl};
  net::http::HttpServerConfig http = {};

  static ServerConfig default_config() {
    ServerConfig config;
    config.served_model_names = {"demo", "alias"};
    config.model_path = "/models/demo";
    config.max_model_len = 200;
    config.vocab_size = kVocabSize;
    config.version = "1.2.3";
    config.access_log = false;
    return config;
  }
  // Every sequence says this and ends with the EOS token.
  static FakeEngine::MakeScript say(std::string text) {
    return [text = std::move(text)](const engine::Request&) {
      Script script{.tokens = bytes_of(text)};
      script.tokens.push_back(kImEnd);
      return script;
    };
  }
};

class ServerFixture {
 public:
  explicit ServerFixture(ServerSetup setup = {})
      : runtime_(2), pool_(1, setup.work_pool_queue), engine_(setup.script, setup.max_queued) {
    runtime_.start();
    setup.http.address = {"127.0.0.1", 0};
    auto bound = OpenAiServer::bind(runtime_, setup.http);
    CHECK(bound.ok());
    server_ = std::move(bound).value();
    auto parsed = chat_template::ChatTemplate::parse(setup.chat_template);
    CHECK(parsed.ok());
    const Status started = server_->start(setup.config, {.engine = engine_,
                                                         .tokenizer = byte_tokenizer(),
                                                         .chat_template = *parsed,
                                                         .work_pool = pool_});
    CHECK(started.ok());
  }
  ~ServerFixture() {
    (void)drain(0ms);
    engine_.stop({});
  }

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  [[nodiscard]] FakeEngine& engine() { return engine_; }
  [[nodiscard]] async::WorkPool& pool() { return pool_; }

  Status drain(Duration patience) {
    return async::run_blocking(runtime_.loop(0),
                               server_->drain(std::chrono::steady_clock::now() + patience));
  }

  // Requests on connections of their own.
  HttpAnswer get(std::string_view path, std::string_view headers = "") {
    return ask(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n{}\r\n", path, headers));
  }
  HttpAnswer post(std::string_view path, std::string_view body, std::string_view headers = "") {
    return ask(post_text(path, body, headers));
  }
  HttpAnswer ask(std::string_view request) {
    RawClient client(port());
    client.send(request);
    return parse_answer(client.read_response());
  }

  [[nodiscard]] static std::string post_text(std::string_view path, std::string_view body,
                                             std::string_view headers = "") {
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{}Content-Length: "
        "{}\r\n\r\n{}",
        path, headers, body.size(), body);
  }

 private:
  async::Runtime runtime_;
  async::WorkPool pool_;
  FakeEngine engine_;
  std::unique_ptr<OpenAiServer> server_;
};

}  // namespace nacelle::serve::testing
