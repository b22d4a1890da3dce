#include "kube/testing/api_fixture.h"

#include <thread>

#include "base/check.h"

namespace nacelle::kube::testing {
namespace {

async::Task<void> run_handler(net::http::Handler handler,
                              std::shared_ptr<CapturedExchange> exchange) {
  co_await handler(*exchange);
  exchange->handler_ended();
}

async::Task<void> stop_server(ApiServer& server) { co_await server.stop(); }

}  // namespace

std::vector<std::string> ApiReply::warnings() const {
  std::vector<std::string> out;
  for (const auto& field : headers) {
    if (net::http::equals_ignore_case(field.name, "warning")) out.emplace_back(field.value);
  }
  return out;
}

async::Task<Result<std::string_view>> CapturedExchange::read_chunk() {
  co_return std::string_view(body_);
}

async::Task<Result<std::string>> CapturedExchange::read_body(std::size_t limit) {
  if (body_.size() > limit)
    co_return out_of_range("body of {} bytes, limit {}", body_.size(), limit);
  co_return body_;
}

Status CapturedExchange::put(std::string_view data, bool last) {
  std::lock_guard lock(mutex_);
  if (gone_) return cancelled("the client left");
  output_ += data;
  finished_ = last;
  changed_.notify_all();
  return {};
}

async::Task<Status> CapturedExchange::respond(const net::http::ResponseHead& head,
                                              std::string_view body) {
  {
    std::lock_guard lock(mutex_);
    head_ = head;
  }
  started_ = true;
  co_return put(body, true);
}

async::Task<Status> CapturedExchange::start(const net::http::ResponseHead& head) {
  started_ = true;
  std::lock_guard lock(mutex_);
  head_ = head;
  changed_.notify_all();
  co_return Status();
}

async::Task<Status> CapturedExchange::write(std::string_view data) { co_return put(data, false); }
async::Task<Status> CapturedExchange::finish(std::string_view last) { co_return put(last, true); }

bool CapturedExchange::client_gone() const {
  std::lock_guard lock(mutex_);
  return gone_;
}

std::optional<std::string> CapturedExchange::read_line() {
  std::unique_lock lock(mutex_);
  std::size_t end = std::string::npos;
  changed_.wait(lock, [&] {
    end = output_.find('\n', read_);
    return end != std::string::npos || ended_;
  });
  if (end == std::string::npos) return std::nullopt;
  std::string line = output_.substr(read_, end - read_);
  read_ = end + 1;
  return line;
}

void CapturedExchange::leave() {
  {
    std::lock_guard lock(mutex_);
    gone_ = true;
  }
  tell_gone();
}

void CapturedExchange::on_client_gone(std::function<void()> callback) {
  on_gone_ = std::move(callback);
  if (on_gone_ && client_gone()) tell_gone();
}

void CapturedExchange::tell_gone() {
  loop_.post([self = shared_from_this()] {
    if (const auto callback = std::exchange(self->on_gone_, {})) callback();
  });
}

void CapturedExchange::handler_ended() {
  std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void CapturedExchange::wait_for_handler() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_; });
}

ApiReply CapturedExchange::reply() const {
  std::lock_guard lock(mutex_);
  ApiReply out{.status = head_.status, .text = output_, .body = {}, .headers = head_.headers};
  out.body = Json::parse(output_, nullptr, false);
  if (out.body.is_discarded()) out.body = nullptr;
  return out;
}

Json ApiWatch::next() {
  const auto line = exchange_->read_line();
  return line.has_value() ? Json::parse(*line, nullptr, false) : Json();
}

ApiFixture::ApiFixture(ApiServerOptions options, Door door)
    : options_(std::move(options)), runtime_(2) {
  runtime_.start();
  if (options_.folder.empty()) options_.folder = folder_.path();
  options_.serve_http = door == Door::kHttps;
  start();
}

ApiFixture::~ApiFixture() { stop(); }

void ApiFixture::start() {
  auto server = ApiServer::start(runtime_, options_);
  if (!server.ok()) std::fprintf(stderr, "%s\n", server.error().to_string().c_str());
  CHECK(server.ok());
  server_ = std::move(*server);
  // What every namespace has comes a moment later; tests that count must not see it come.
  CHECK(eventually([this] {
    for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
      if (server_->store().get("configmaps", {name, "kube-root-ca.crt"}) == nullptr) return false;
    }
    return true;
  }));
}

void ApiFixture::stop() {
  async::run_blocking(runtime_.loop(0), stop_server(*server_));
  server_.reset();
}

void ApiFixture::restart() {
  stop();
  start();
}

namespace {

net::http::RequestHead head_of(std::string method, std::string target, const HeaderList& headers) {
  net::http::RequestHead head;
  head.method = std::move(method);
  head.target = std::move(target);
  head.headers.set("user-agent", "test/1");
  for (const auto& [name, value] : headers) head.headers.set(name, value);
  return head;
}

}  // namespace

ApiReply ApiFixture::call(std::string method, std::string target, std::string body,
                          const HeaderList& headers) {
  async::Loop& loop = runtime_.loop(0);
  auto exchange = std::make_shared<CapturedExchange>(
      loop, head_of(std::move(method), std::move(target), headers), std::move(body));
  loop.spawn(run_handler(server_->handler(), exchange));
  exchange->wait_for_handler();
  return exchange->reply();
}

std::unique_ptr<ApiWatch> ApiFixture::watch(std::string target, const HeaderList& headers) {
  async::Loop& loop = runtime_.loop(0);
  auto exchange = std::make_shared<CapturedExchange>(
      loop, head_of("GET", std::move(target), headers), std::string());
  loop.spawn(run_handler(server_->handler(), exchange));
  return std::make_unique<ApiWatch>(std::move(exchange));
}

bool ApiFixture::eventually(const std::function<bool()>& condition) {
  const TimePoint end = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace nacelle::kube::testing
