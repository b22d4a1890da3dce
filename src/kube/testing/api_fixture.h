// api_fixture.h: an API server in a folder of its own, called without sockets, for tests.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/runtime.h"
#include "kube/api_server.h"
#include "net/testing/test_folder.h"

namespace nacelle::kube::testing {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct ApiReply {
  int status = 0;
  std::string text;
  Json body;  // null when it is no JSON
  net::http::Headers headers;
  [[nodiscard]] std::string reason() const { return std::string(text_at(body, {"reason"})); }
  [[nodiscard]] std::string message() const { return std::string(text_at(body, {"message"})); }
  [[nodiscard]] std::vector<std::string> warnings() const;
};

// The server's end of a request, kept in memory. The handler runs on `loop`; reading is for the
// test.
class CapturedExchange final : public net::http::ServerExchange,
                               public std::enable_shared_from_this<CapturedExchange> {
 public:
  CapturedExchange(async::Loop& loop, net::http::RequestHead head, std::string body)
      : loop_(loop), request_(std::move(head)), body_(std::move(body)) {}

  net::http::RequestHead& request() override { return request_; }
  const net::TcpEndpoint& peer() const override { return peer_; }
  async::Loop& loop() override { return loop_; }
  std::optional<std::uint64_t> content_length() const override { return body_.size(); }
  async::Task<Result<std::string_view>> read_chunk() override;
  async::Task<Result<std::string>> read_body(std::size_t limit) override;
  async::Task<Status> respond(const net::http::ResponseHead& head, std::string_view body) override;
  async::Task<Status> start(const net::http::ResponseHead& head) override;
  async::Task<Status> write(std::string_view data) override;
  async::Task<Status> finish(std::string_view last) override;
  async::Task<Status> inform(const net::http::ResponseHead&) override { co_return Status(); }
  bool started() const override { return started_; }
  bool finished() const override { return finished_; }
  bool client_gone() const override;
  void on_client_gone(std::function<void()> callback) override;
  void close_after() override {}
  void abort() override {}

  // The next line of the answer; nullopt at its end.
  [[nodiscard]] std::optional<std::string> read_line();
  void leave();
  void handler_ended();
  void wait_for_handler();
  [[nodiscard]] ApiReply reply() const;

 private:
  Status put(std::string_view data, bool last);
  void tell_gone();  // on the loop, in a later turn

  async::Loop& loop_;
  std::function<void()> on_gone_;  // of the loop
  net::http::RequestHead request_;
  std::string body_;
  net::TcpEndpoint peer_;
  bool started_ = false;
  bool finished_ = false;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  net::http::ResponseHead head_;  // guarded, as all below
  std::string output_;
  std::size_t read_ = 0;
  bool ended_ = false;
  bool gone_ = false;
};

// A watch that a test reads event by event.
class ApiWatch {
 public:
  explicit ApiWatch(std::shared_ptr<CapturedExchange> exchange) : exchange_(std::move(exchange)) {}
  ~ApiWatch() {
    exchange_->leave();
    exchange_->wait_for_handler();
  }
  // Null at the end of the stream.
  [[nodiscard]] Json next();
  [[nodiscard]] CapturedExchange& exchange() { return *exchange_; }

 private:
  std::shared_ptr<CapturedExchange> exchange_;
};

class ApiFixture {
 public:
  // How others than the test may come in.
  enum class Door { kNone, kHttps };
  explicit ApiFixture(ApiServerOptions options = {}, Door door = Door::kNone);
  ~ApiFixture();

  ApiReply call(std::string method, std::string target, std::string body = {},
                const HeaderList& headers = {});
  ApiReply get(std::string target) { return call("GET", std::move(target)); }
  ApiReply post(std::string target, const Json& body) {
    return call("POST", std::move(target), body.dump());
  }
  ApiReply put(std::string target, const Json& body) {
    return call("PUT", std::move(target), body.dump());
  }
  ApiReply patch(std::string target, const Json& body,
                 std::string type = "application/merge-patch+json") {
    return call("PATCH", std::move(target), body.dump(), {{"content-type", std::move(type)}});
  }
  ApiReply apply(std::string target, const Json& body) {
    return patch(std::move(target), body, "application/apply-patch+yaml");
  }
  ApiReply remove(std::string target, const Json& body = nullptr) {
    return call("DELETE", std::move(target), body.is_null() ? "" : body.dump());
  }
  std::unique_ptr<ApiWatch> watch(std::string target, const HeaderList& headers = {});

  // Waits for the server's own controllers: until the condition holds.
  bool eventually(const std::function<bool()>& condition);

  void restart();
  [[nodiscard]] ApiServer& server() { return *server_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  [[nodiscard]] async::Runtime& runtime() { return runtime_; }

 private:
  void start();
  void stop();

  net::testing::TestFolder folder_;
  ApiServerOptions options_;
  async::Runtime runtime_;
  std::unique_ptr<ApiServer> server_;
};

}  // namespace nacelle::kube::testing
