#include "kube/client.h"

#include <utility>

#include "base/file.h"
#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxTokenBytes = std::size_t{64} << 10;
constexpr Duration kConnectTimeout = std::chrono::seconds(10);
constexpr Duration kAnswerTimeout = std::chrono::seconds(60);
constexpr Duration kTokenAge = std::chrono::minutes(1);

std::string base64(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += i + k > bytes.size() ? '=' : kAlphabet[group >> (18 - 6 * k) & 63];
    }
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

ApiError error_of(const net::http::ResponseHead& head, std::string_view body) {
  const Json parsed = Json::parse(body, nullptr, false);
  ApiError error = parse_api_error(head.status, parsed, head.headers.get("retry-after"));
  error.code = head.status;
  if (error.message.empty()) error.message = trimmed(body.substr(0, 200));
  return error;
}

}  // namespace

Client::Client(async::Loop& loop, ClientConfig config,
               std::shared_ptr<const net::TlsClientContext> tls)
    : config_(std::move(config)), tls_(std::move(tls)), http_(loop), token_(config_.token) {}

Result<std::unique_ptr<Client>> Client::create(async::Loop& loop, ClientConfig config) {
  std::shared_ptr<const net::TlsClientContext> tls;
  if (config.tls) {
    config.tls_config.alpn = {"http/1.1"};
    ASSIGN_OR_RETURN(tls, net::TlsClientContext::create(config.tls_config));
  }
  return std::unique_ptr<Client>(new Client(loop, std::move(config), std::move(tls)));
}

void Client::read_token(TimePoint now) {
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

bool Client::renew_token() {
  if (config_.token_file.empty()) return false;
  const std::string refused = token_;
  token_read_ = {};
  read_token(std::chrono::steady_clock::now());
  return token_ != refused;
}

net::http::RequestHead Client::head(std::string method, const std::string& path) {
  read_token(std::chrono::steady_clock::now());
  net::http::RequestHead head;
  head.method = std::move(method);
  head.target = config_.base_path + path;
  head.headers.add("accept", "application/json");
  head.headers.add("user-agent", config_.user_agent);
  if (!token_.empty()) {
    head.headers.add("authorization", "Bearer " + token_);
  } else if (!config_.basic.empty()) {
    head.headers.add("authorization", "Basic " + base64(config_.basic));
  }
  return head;
}

net::http::ClientOptions Client::options() const {
  net::http::ClientOptions options;
  options.connect_timeout = kConnectTimeout;
  options.head_timeout = kAnswerTimeout;
  options.read_idle_timeout = kAnswerTimeout;
  options.write_timeout = kAnswerTimeout;
  options.tls = tls_;
  return options;
}

async::Task<Result<Answer>> Client::get(std::string path) {
  return call("GET", std::move(path), {});
}
async::Task<Result<Answer>> Client::create_object(std::string path, std::string json) {
  return call("POST", std::move(path), std::move(json));
}
async::Task<Result<Answer>> Client::replace(std::string path, std::string json) {
  return call("PUT", std::move(path), std::move(json));
}

async::Task<Result<Answer>> Client::call(std::string method, std::string path, std::string body) {
  for (int attempt = 0;; ++attempt) {
    net::http::RequestHead request = head(method, path);
    if (!body.empty()) request.headers.add("content-type", "application/json");
    net::http::ClientOptions how = options();
    how.retry_stale = method != "POST";  // a repeated POST could make two objects
    net::http::ClientExchange exchange(http_);
    CO_RETURN_IF_ERROR(co_await exchange.send(config_.address, request, body, how));
    const int status = exchange.response().status;
    const bool success = status >= 200 && status < 300;
    auto text = co_await exchange.read_body(success ? kMaxAnswerBytes : kMaxErrorBytes);
    if (!text.ok()) co_return text.error();
    if (status == 401 && attempt == 0 && renew_token()) continue;
    Answer answer;
    if (!success) {
      answer.error = error_of(exchange.response(), *text);
      co_return answer;
    }
    answer.body = Json::parse(*text, nullptr, false);
    if (!answer.body.is_object()) {
      co_return data_loss("{} {} answers {} bytes that are no JSON object", method, path,
                          text->size());
    }
    if (is_failure(answer.body)) {
      answer.error = parse_api_error(status, answer.body);
      answer.body = Json();
    }
    co_return answer;
  }
}

async::Task<Result<std::optional<ApiError>>> Watch::open(std::string path) {
  net::http::RequestHead request = client_.head("GET", path);
  net::http::ClientOptions how = client_.options();
  how.read_idle_timeout = kMaxSilence;
  CO_RETURN_IF_ERROR(co_await exchange_.send(client_.config_.address, request, {}, how));
  const int status = exchange_.response().status;
  if (status == 200) co_return std::optional<ApiError>();
  auto text = co_await exchange_.read_body(kMaxErrorBytes);
  if (!text.ok()) co_return text.error();
  if (status == 401) (void)client_.renew_token();
  co_return std::optional<ApiError>(error_of(exchange_.response(), *text));
}

async::Task<Status> Watch::read(std::vector<WatchEvent>& out) {
  const std::size_t before = out.size();
  for (;;) {
    auto chunk = co_await exchange_.read_chunk();
    if (!chunk.ok()) co_return chunk.error();
    if (chunk->empty()) {
      if (decoder_.held_bytes() == 0) co_return Status();
      co_return data_loss("a watch ended inside an event");
    }
    CO_RETURN_IF_ERROR(decoder_.feed(*chunk, out));
    if (out.size() > before) co_return Status();
  }
}

}  // namespace nacelle::kube
