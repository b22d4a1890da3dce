// client.h: calls of a Kubernetes API server over our HTTP client.
//
//   auto client = Client::create(loop, config);
//   Result<Answer> answer = co_await (*client)->get("/api/v1/namespaces/default/pods");
//   if (!answer.ok())          ... the server was not reached, or talked nonsense ...
//   else if (answer->error)    ... it said no: answer->error->code ...
//   else use(answer->body);
//
// Every call carries the user agent and the credentials. A token file is read again when the copy
// is a minute old or was refused with 401; such a call is repeated once.
//
// Home:    one loop, best one of its own: answers of megabytes are parsed on it.
// Errors:  create(): files or certificates that do not load. Calls: unavailable, deadline_exceeded,
//          cancelled (the loop's task was), data_loss for what is no JSON, out_of_range.
// Bounds:  answers of 256 MiB; one line of a watch of 8 MiB.
// Source:  kubernetes-api.md sections 2, 3, 10 and 25.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/api_error.h"
#include "kube/client_config.h"
#include "kube/object.h"
#include "kube/watch_decoder.h"
#include "net/http/client.h"

namespace nacelle::kube {

struct Answer {
  Json body;
  std::optional<ApiError> error;  // the server said no; then `body` is empty
};

class Client {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Client>> create(async::Loop& loop,
                                                              ClientConfig config);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] const ClientConfig& config() const { return config_; }
  [[nodiscard]] async::Loop& loop() { return http_.loop(); }

  [[nodiscard]] async::Task<Result<Answer>> get(std::string path);
  [[nodiscard]] async::Task<Result<Answer>> create_object(std::string path, std::string json);
  [[nodiscard]] async::Task<Result<Answer>> replace(std::string path, std::string json);

 private:
  friend class Watch;
  Client(async::Loop& loop, ClientConfig config, std::shared_ptr<const net::TlsClientContext> tls);

  [[nodiscard]] async::Task<Result<Answer>> call(std::string method, std::string path,
                                                 std::string body);
  [[nodiscard]] net::http::RequestHead head(std::string method, const std::string& path);
  [[nodiscard]] net::http::ClientOptions options() const;
  void read_token(TimePoint now);
  // After a 401: true when another token may help.
  [[nodiscard]] bool renew_token();

  const ClientConfig config_;
  const std::shared_ptr<const net::TlsClientContext> tls_;
  net::http::HttpClient http_;
  std::string token_;
  TimePoint token_read_{};
};

// A watch: an answer that does not end.
class Watch {
 public:
  explicit Watch(Client& client) : client_(client), exchange_(client.http_) {}

  // Sends the request. A value means that the server said no.
  [[nodiscard]] async::Task<Result<std::optional<ApiError>>> open(std::string path);

  // Waits for events and appends at least one, or none at the end of the stream. A server that is
  // silent for longer than kMaxSilence counts as gone: bookmarks come every minute.
  [[nodiscard]] async::Task<Status> read(std::vector<WatchEvent>& out);

  static constexpr Duration kMaxSilence = std::chrono::minutes(2);

 private:
  Client& client_;
  net::http::ClientExchange exchange_;
  WatchDecoder decoder_;
};

}  // namespace nacelle::kube
