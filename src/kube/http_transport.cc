#include "kube/http_transport.h"

#include <utility>

#include "base/base64.h"
#include "base/file.h"
#include "kube/credentials/exec_plugin.h"
#include "kube/credentials/tls_files.h"
#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;
constexpr Duration kConnectTimeout = std::chrono::seconds(10);
constexpr Duration kHeadTimeout = std::chrono::seconds(60);
constexpr Duration kTokenAge = std::chrono::minutes(1);

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

class HttpAnswer final : public TransportAnswer {
 public:
  explicit HttpAnswer(net::http::HttpClient& client) : exchange_(client) {}

  [[nodiscard]] net::http::ClientExchange& exchange() { return exchange_; }
  void take_head() { head_ = std::move(exchange_.response()); }

  [[nodiscard]] const net::http::ResponseHead& head() const override { return head_; }
  [[nodiscard]] async::Task<Result<std::string>> read() override {
    auto chunk = co_await exchange_.read_chunk();
    if (!chunk.ok()) co_return chunk.error();
    co_return std::string(*chunk);
  }

 private:
  net::http::ClientExchange exchange_;
  net::http::ResponseHead head_;
};

void add_impersonation(const Impersonation& as, net::http::Headers& headers) {
  if (as.user.empty()) return;
  headers.add("impersonate-user", as.user);
  if (!as.uid.empty()) headers.add("impersonate-uid", as.uid);
  for (const std::string& group : as.groups) headers.add("impersonate-group", group);
  for (const auto& [key, value] : as.extra) headers.add("impersonate-extra-" + key, value);
}

}  // namespace

HttpTransport::HttpTransport(async::Loop& loop, ClientConfig config)
    : config_(std::move(config)), http_(loop), token_(config_.token) {
  if (config_.exec) plugin_ = std::make_unique<ExecPlugin>(loop, config_);
}

HttpTransport::~HttpTransport() = default;

Result<std::unique_ptr<HttpTransport>> HttpTransport::create(async::Loop& loop,
                                                             ClientConfig config) {
  config.tls_config.alpn = {"http/1.1"};
  std::unique_ptr<HttpTransport> out(new HttpTransport(loop, std::move(config)));
  if (out->config_.tls) {
    ASSIGN_OR_RETURN(out->tls_,
                     TlsFiles::create(out->config_.tls_config, std::chrono::steady_clock::now()));
  }
  return out;
}

void HttpTransport::read_token(TimePoint now) {
  if (config_.token_file.empty()) return;
  if (token_read_ != TimePoint{} && now - token_read_ < kTokenAge) return;
  token_read_ = now;
  auto text = read_file(config_.token_file, kMaxTokenBytes);
  if (text.ok()) {
    token_ = trimmed(*text);
  } else {
    log::warn("the token file is not read; the token known stays", {{"why", text.error()}});
  }
}

async::Task<Result<HttpTransport::Authorization>> HttpTransport::authorize() {
  Authorization out;
  const TimePoint now = std::chrono::steady_clock::now();
  read_token(now);
  std::string token = token_;
  if (plugin_ != nullptr && config_.token_file.empty()) {
    auto credential = co_await plugin_->get();
    if (!credential.ok()) co_return credential.error();
    out.credential = *credential;
    if (!(*credential)->token.empty()) token = (*credential)->token;
    if (tls_ != nullptr) {
      const Status used = tls_->use_certificate((*credential)->certificate, (*credential)->key);
      if (!used.ok()) co_return used.with_context("the exec plugin's certificate");
    }
  }
  if (!token.empty()) {
    out.header = "Bearer " + token;
  } else if (!config_.basic.empty()) {
    out.header = "Basic " + encode_base64(config_.basic);
  }
  if (tls_ != nullptr) out.tls = tls_->context(now);
  co_return out;
}

// Of several calls that were refused, the first one renews; the others see that it did.
bool HttpTransport::renew(const Authorization& refused) {
  if (!config_.token_file.empty()) {
    if (refused.header == "Bearer " + token_) {
      token_read_ = {};
      read_token(std::chrono::steady_clock::now());
    }
    return refused.header != "Bearer " + token_;
  }
  if (plugin_ == nullptr) return false;
  plugin_->refused(refused.credential);
  return true;
}

net::http::ClientOptions HttpTransport::options(const TransportRequest& request,
                                                const Authorization& how) const {
  net::http::ClientOptions options;
  options.connect_timeout = kConnectTimeout;
  options.head_timeout = kHeadTimeout;
  options.read_idle_timeout = request.silence;
  options.write_timeout = kHeadTimeout;
  options.retry_stale = request.repeatable;
  options.tls = how.tls;
  return options;
}

async::Task<Result<std::unique_ptr<TransportAnswer>>> HttpTransport::send(
    TransportRequest request) {
  for (int attempt = 0;; ++attempt) {
    auto how = co_await authorize();
    if (!how.ok()) co_return how.error();
    net::http::RequestHead head = request.head;
    head.target = config_.base_path + head.target;
    if (!how->header.empty()) head.headers.add("authorization", how->header);
    add_impersonation(config_.impersonate, head.headers);
    auto answer = std::make_unique<HttpAnswer>(http_);
    CO_RETURN_IF_ERROR(co_await answer->exchange().send(config_.address, head, request.body,
                                                        options(request, *how)));
    answer->take_head();
    if (answer->head().status == 401 && attempt == 0 && renew(*how)) continue;
    co_return std::unique_ptr<TransportAnswer>(std::move(answer));
  }
}

}  // namespace nacelle::kube
