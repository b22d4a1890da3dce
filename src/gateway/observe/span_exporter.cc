#include "gateway/observe/span_exporter.h"

#include <algorithm>

#include "gateway/observe/access_line.h"
#include "telemetry/log.h"

namespace nacelle::gateway {
namespace {

class Attributes {
 public:
  void text(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    begin(key);
    out_ += "{\"stringValue\":";
    append_json_string(out_, value);
    out_ += "}}";
  }
  void number(std::string_view key, std::uint64_t value) {
    begin(key);
    // 64-bit integers are strings in protobuf's JSON.
    fmt::format_to(std::back_inserter(out_), "{{\"intValue\":\"{}\"}}}}", value);
  }
  [[nodiscard]] const std::string& list() const { return out_; }

 private:
  void begin(std::string_view key) {
    if (!out_.empty()) out_ += ',';
    out_.append("{\"key\":\"").append(key).append("\",\"value\":");
  }
  std::string out_;
};

std::uint64_t nanoseconds(std::chrono::system_clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

}  // namespace

Result<CollectorUrl> parse_collector_url(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) {
    return invalid_argument("'{}' is no collector: http://host:port/v1/traces is the form", url);
  }
  std::string_view rest = url.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  CollectorUrl out;
  out.target = slash == rest.size() ? "/" : std::string(rest.substr(slash));
  std::string authority(rest.substr(0, slash));
  const std::size_t bracket = authority.rfind(']');
  if (authority.find(':', bracket == std::string::npos ? 0 : bracket) == std::string::npos)
    authority += ":4318";
  ASSIGN_OR_RETURN(out.address, net::parse_host_port(authority));
  return out;
}

std::string span_json(const ExchangeRecord& r) {
  Attributes attributes;
  attributes.text("http.request.method", r.method);
  attributes.text("url.path", redact_target(r.path));
  if (r.status > 0)
    attributes.number("http.response.status_code", static_cast<std::uint64_t>(r.status));
  attributes.text("server.address", r.authority);
  attributes.text("client.address", r.peer);
  attributes.text("user_agent.original", r.user_agent);
  attributes.text("nacelle.request_id", r.request_id);
  attributes.text("nacelle.route", r.route);
  attributes.text("upstream.cluster", r.cluster);
  attributes.text("upstream.address", r.upstream_host);
  attributes.text("response_flags", r.flags);
  attributes.text("session.id", r.session);
  attributes.text("gen_ai.request.model", r.model);
  attributes.text("gen_ai.response.model", r.response_model);
  attributes.text("gen_ai.provider.name", r.provider);
  if (r.tokens) {
    attributes.number("gen_ai.usage.input_tokens", r.tokens->input);
    attributes.number("gen_ai.usage.output_tokens", r.tokens->output);
  }
  const std::uint64_t begin = nanoseconds(r.started_at);
  const auto lasted = static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::nanoseconds>(r.ended - r.started).count()));
  std::string out =
      fmt::format(R"({{"traceId":"{}","spanId":"{}",)", r.trace.trace_id, r.trace.span_id);
  if (!r.trace.parent_id.empty()) out += fmt::format(R"("parentSpanId":"{}",)", r.trace.parent_id);
  std::string name = r.method + " ";
  name += r.route.empty() ? std::string_view("unmatched") : r.route;
  out += "\"name\":";
  append_json_string(out, name);
  out +=
      fmt::format(R"(,"kind":2,"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[{}])",
                  begin, begin + lasted, attributes.list());
  if (r.first_byte != TimePoint{}) {
    const auto at =
        begin +
        static_cast<std::uint64_t>(std::max<std::int64_t>(
            0, std::chrono::duration_cast<std::chrono::nanoseconds>(r.first_byte - r.started)
                   .count()));
    out += fmt::format(R"(,"events":[{{"timeUnixNano":"{}","name":"first byte"}}])", at);
  }
  const bool failed = r.status == 0 || r.status >= 500;
  out += fmt::format(R"(,"status":{{"code":{}}}}})", failed ? 2 : 1);
  return out;
}

std::string export_json(const std::string& service, const std::vector<std::string>& spans) {
  std::string out =
      R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":)";
  append_json_string(out, service);
  out += R"(}}]},"scopeSpans":[{"scope":{"name":"nacelle/gateway"},"spans":[)";
  out += fmt::format("{}", fmt::join(spans, ","));
  return out + "]}]}]}";
}

SpanExporter::SpanExporter(async::Loop& loop, TracingConfig config, CollectorUrl url)
    : config_(std::move(config)), url_(std::move(url)), loop_(loop), scope_(loop) {}

SpanExporter::~SpanExporter() = default;

void SpanExporter::start() {
  loop_.post([this] {
    client_ = std::make_unique<net::http::HttpClient>(loop_);
    scope_.spawn(run());
  });
}

void SpanExporter::add(const ExchangeRecord& record) {
  std::string span = span_json(record);
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= kQueue) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  queue_.push_back(std::move(span));
}

async::Task<void> SpanExporter::run() {
  for (;;) {
    const bool more = co_await scope_.sleep(kInterval);
    co_await send_queued();
    if (!more) co_return;
  }
}

async::Task<void> SpanExporter::send_queued() {
  for (;;) {
    std::vector<std::string> batch;
    {
      const std::lock_guard lock(mutex_);
      const auto count = static_cast<std::ptrdiff_t>(std::min(kBatch, queue_.size()));
      batch.assign(std::make_move_iterator(queue_.begin()),
                   std::make_move_iterator(queue_.begin() + count));
      queue_.erase(queue_.begin(), queue_.begin() + count);
    }
    if (batch.empty()) co_return;
    net::http::RequestHead head;
    head.method = "POST";
    head.target = url_.target;
    head.headers.add("content-type", "application/json");
    for (const auto& [name, value] : config_.headers) head.headers.add(name, value);
    const std::string body = export_json(config_.service_name, batch);
    net::http::ClientOptions options;
    options.connect_timeout = 2s;
    options.head_timeout = 5s;
    options.read_idle_timeout = 5s;
    net::http::ClientExchange exchange(*client_);
    Status sent = co_await exchange.send(url_.address, head, body, options);
    if (sent.ok() && exchange.response().status / 100 != 2)
      sent = unavailable("the collector answered {}", exchange.response().status);
    if (sent.ok()) (void)co_await exchange.read_body(64 << 10);
    if (sent.ok()) {
      sent_.fetch_add(batch.size(), std::memory_order_relaxed);
      reported_ = false;
    } else {
      dropped_.fetch_add(batch.size(), std::memory_order_relaxed);
      if (!std::exchange(reported_, true)) log::warn("spans are dropped", {{"why", sent}});
    }
  }
}

async::Task<void> SpanExporter::stop() {
  scope_.stop();
  co_await scope_.join();
  client_.reset();
}

}  // namespace nacelle::gateway
