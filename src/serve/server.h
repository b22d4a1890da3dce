// server.h: the OpenAI-compatible HTTP server around one engine.
//
//   ASSIGN_OR_RETURN(auto server, OpenAiServer::bind(runtime, http_config));  // the port is ours
//   ... load the model, start the engine ...
//   RETURN_IF_ERROR(server->start(config, parts));                            // now it answers
//   int signal = co_await signals.next();
//   (void)co_await server->drain(now + shutdown_timeout);                     // then engine.stop()
//
// A request is read, parsed and admitted to the engine's bounded queue on its network loop,
// templated and tokenised on the work pool, and its tokens come back to the same loop through a
// mailbox.
//
// Home:    bind(), start() and drain() from one thread at a time; handlers on the network loops.
// Errors:  answers are those of engine.md section 4; a full queue is 503 with Retry-After.
// Bounds:  ServerConfig and HttpServerConfig.
#pragma once

#include <cstdint>
#include <memory>

#include "async/runtime.h"
#include "async/task.h"
#include "async/work_pool.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http/server.h"
#include "serve/server_config.h"

namespace nacelle::engine {
class Engine;
}
namespace nacelle::tokenizer {
class Tokenizer;
}
namespace nacelle::chat_template {
class ChatTemplate;
}

namespace nacelle::serve {

// What the server works with. What is referred to must outlive it.
struct ServerParts {
  engine::Engine& engine;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer;
  std::shared_ptr<const chat_template::ChatTemplate> chat_template;  // nullptr: chat answers 400
  async::WorkPool& work_pool;
  // The model's own template for requests with tools; nullptr: the same as the other.
  std::shared_ptr<const chat_template::ChatTemplate> tool_chat_template = nullptr;
};

class OpenAiServer {
 public:
  // Takes the port; clients are refused until start(). `runtime` must outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<OpenAiServer>> bind(
      async::Runtime& runtime, net::http::HttpServerConfig http_config);
  ~OpenAiServer();
  OpenAiServer(const OpenAiServer&) = delete;
  OpenAiServer& operator=(const OpenAiServer&) = delete;

  // Begins to answer. Errors: invalid_argument listing what is wrong with the config.
  [[nodiscard]] Status start(ServerConfig config, ServerParts parts);

  // Refuses new work, lets requests in flight finish until the deadline, then aborts the rest.
  // A deadline that has passed aborts at once. On any loop.
  [[nodiscard]] async::Task<Status> drain(TimePoint deadline);

  [[nodiscard]] std::uint16_t port() const;

 private:
  struct Impl;
  explicit OpenAiServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace nacelle::serve
