// epp_load.cc: the proxy and the engines of a load on an Endpoint Picker.
//
//   epp_load engines PORT...
//       an engine's /metrics on each port, about as long as vLLM's, until SIGTERM
//   epp_load streams PORT RATE SECONDS CHUNKS MILLISECONDS CONNECTIONS together|apart tls|plain
//       opens RATE ext_proc streams a second, as Envoy does in full-duplex mode: headers, a chat
//       body of about 200 tokens, then an answer of CHUNKS events over so many milliseconds
//
// "together": the streams of one endpoint get their tokens at the same moments, as an engine's
// steps make them. "apart": each has moments of its own, so nothing is ever in one packet.
//
// Prints "begin" and "end" around SECONDS of steady load, then one line: streams that ended,
// p50, p95, p99 in microseconds of body sent to header reply, the same of event sent to event back,
// streams that went wrong. bench/epp_load.py runs it.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "async/runtime.h"
#include "async/signals.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "envoy/service/ext_proc/v3/external_processor.pb.h"
#include "net/grpc/client.h"
#include "net/grpc/typed.h"
#include "net/http/server.h"

namespace {

using namespace nacelle;
using envoy::service::ext_proc::v3::ProcessingRequest;
using envoy::service::ext_proc::v3::ProcessingResponse;
using net::http::HttpClient;

constexpr std::string_view kProcess = "/envoy.service.ext_proc.v3.ExternalProcessor/Process";
constexpr std::string_view kDestination = "x-gateway-destination-endpoint";
constexpr const char* kUsage =
    "usage: epp_load engines PORT... | streams PORT RATE SECONDS CHUNKS MILLISECONDS CONNECTIONS "
    "together|apart tls|plain\n";

TimePoint now() { return std::chrono::steady_clock::now(); }

// ---- engines

std::string metrics_page() {
  std::string page =
      "vllm:num_requests_waiting{engine=\"0\",model_name=\"m\"} 0.0\n"
      "vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 60.0\n"
      "vllm:kv_cache_usage_perc{engine=\"0\",model_name=\"m\"} 0.31\n"
      "vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"8000\"} 1.0\n";
  for (int histogram = 0; histogram < 12; ++histogram) {
    for (int bucket = 0; bucket < 30; ++bucket) {
      page += fmt::format(
          "vllm:some_histogram_of_requests_{}_bucket{{engine=\"0\",le=\"{}.0\",model_name=\"m\"}} "
          "{}.0\n",
          histogram, 1 << (bucket % 20), bucket * 1000);
    }
  }
  return page;
}

async::Task<void> answer_page(const std::string& page, net::http::ServerExchange& exchange) {
  net::http::ResponseHead head;
  head.headers.add("content-type", "text/plain");
  (void)co_await exchange.respond(head, page);
}

async::Task<int> until_signal(async::TerminationSignals* signals) {
  co_return co_await signals->next();
}

int serve_engines(const std::vector<std::uint16_t>& ports) {
  async::Runtime runtime(1);
  async::TerminationSignals signals(runtime.loop(0));
  runtime.start();
  const std::string page = metrics_page();
  std::vector<std::unique_ptr<net::http::HttpServer>> servers;
  for (const std::uint16_t port : ports) {
    net::http::HttpServerConfig config;
    config.address = {"127.0.0.1", port};
    auto server = net::http::HttpServer::bind(
        runtime, config,
        [&page](net::http::ServerExchange& exchange) { return answer_page(page, exchange); });
    if (!server.ok() || !(*server)->listen().ok()) {
      std::fprintf(stderr, "epp_load: port %d cannot be served\n", port);
      return 1;
    }
    servers.push_back(std::move(*server));
  }
  (void)async::run_blocking(runtime.loop(0), until_signal(&signals));
  runtime.stop();
  runtime.join();
  return 0;
}

// ---- what a proxy sends

void add_header(ProcessingRequest& to, bool request, std::string_view key, std::string_view value) {
  auto& headers = request ? *to.mutable_request_headers() : *to.mutable_response_headers();
  auto& header = *headers.mutable_headers()->add_headers();
  header.set_key(std::string(key));
  header.set_raw_value(std::string(value));
}

std::string request_head(std::uint64_t number, std::size_t body_bytes) {
  ProcessingRequest message;
  const auto add = [&](std::string_view key, std::string_view value) {
    add_header(message, true, key, value);
  };
  add(":authority", "llm.example.com");
  add(":path", "/v1/chat/completions");
  add(":method", "POST");
  add(":scheme", "https");
  add("content-type", "application/json");
  add("accept", "text/event-stream");
  add("user-agent", "openai-python/1.99");
  add("authorization", "Bearer 0123456789abcdef0123456789abcdef");
  add("content-length", std::to_string(body_bytes));
  add("x-forwarded-for", "10.1.2.3");
  add("x-forwarded-proto", "https");
  add("x-envoy-external-address", "10.1.2.3");
  add("x-request-id", fmt::format("00000000-0000-4000-8000-{:012x}", number));
  add("x-llm-d-inference-fairness-id", fmt::format("tenant-{}", number % 8));
  return message.SerializeAsString();
}

// About 200 tokens at four letters each; of a fifth of the requests the first half is the same.
std::string chat_body(std::uint64_t number) {
  std::string text = fmt::format("assistant {} ", number % 5);
  while (text.size() < 400) text += "answers briefly ";
  std::string question = fmt::format("question {} ", number);
  while (question.size() < 330) question += "what is it ";
  return fmt::format(
      R"({{"model":"m","stream":true,"stream_options":{{"include_usage":true}},"max_tokens":100,)"
      R"("messages":[{{"role":"system","content":"{}"}},{{"role":"user","content":"{}"}}]}})",
      text, question);
}

std::string body_message(bool request, std::string_view piece, bool end) {
  ProcessingRequest message;
  auto& body = request ? *message.mutable_request_body() : *message.mutable_response_body();
  body.set_body(std::string(piece));
  body.set_end_of_stream(end);
  return message.SerializeAsString();
}

constexpr std::string_view kEvent =
    R"({{"id":"chatcmpl-0f1e2d3c4b5a69788796a5b4c3d2e1f0","object":"chat.completion.chunk",)"
    R"("created":1790000000,"model":"m","choices":[{}],"usage":{}}})";

struct Answer {
  std::string head, event, last, end;

  Answer() {
    ProcessingRequest message;
    add_header(message, false, ":status", "200");
    add_header(message, false, "content-type", "text/event-stream; charset=utf-8");
    add_header(message, false, "date", "Mon, 30 Nov 2026 00:00:00 GMT");
    add_header(message, false, "server", "uvicorn");
    head = message.SerializeAsString();
    const std::string token = fmt::format(
        fmt::runtime(kEvent),
        R"({"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null})", "null");
    const std::string usage =
        fmt::format(fmt::runtime(kEvent), "",
                    R"({"prompt_tokens":200,"completion_tokens":100,"total_tokens":300})");
    event = body_message(false, "data: " + token + "\n\n", false);
    last = body_message(false, "data: " + usage + "\n\ndata: [DONE]\n\n", false);
    end = body_message(false, "", true);
  }
};

// ---- streams

struct Plan {
  net::HostPort address;
  double rate = 0;
  Duration measured{};
  std::size_t events = 0;
  Duration lasts{};
  std::size_t connections = 1;
  bool together = true;
  std::shared_ptr<const net::TlsClientContext> tls;
};

struct Load {
  const Plan& plan;
  const Answer& answer;
  const TimePoint origin = now();
  bool counting = false;
  std::uint64_t ended = 0, wrong = 0;
  std::vector<std::int64_t> decisions, events;  // nanoseconds
};

std::string destination_in(std::string_view bytes) {
  ProcessingResponse reply;
  if (!reply.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return {};
  for (const auto& header : reply.request_headers().response().header_mutation().set_headers()) {
    if (header.header().key() == kDestination) return header.header().raw_value();
  }
  return {};
}

// One message back, which must be there.
async::Task<Status> expect(net::grpc::ClientCall& call) {
  const auto reply = co_await call.read();
  if (!reply.ok()) co_return reply.error();
  if (!reply->has_value()) co_return unavailable("the picker ended the stream");
  co_return Status();
}

async::Task<Status> ask(Load& load, net::grpc::ClientCall& call, std::uint64_t number,
                        std::string& destination) {
  const std::string body = chat_body(number);
  CO_RETURN_IF_ERROR(co_await call.write(request_head(number, body.size())));
  const std::string message = body_message(true, body, true);
  const TimePoint asked = now();
  CO_RETURN_IF_ERROR(co_await call.write(message));
  const auto reply = co_await call.read();
  if (!reply.ok()) co_return reply.error();
  if (!reply->has_value()) co_return unavailable("the picker ended the stream");
  if (load.counting) load.decisions.push_back((now() - asked).count());
  destination = destination_in(**reply);
  if (destination.empty()) co_return unavailable("no destination");
  co_return co_await expect(call);  // the body
}

// The k-th moment of an answer: a grid of its own, or that of its endpoint.
TimePoint first_moment(const Load& load, const std::string& destination) {
  if (!load.plan.together) return now();
  const Duration step = load.plan.lasts / load.plan.events;
  const Duration offset = step * (std::hash<std::string>()(destination) % 16) / 16;
  const auto steps = (now() - load.origin) / step + 1;
  return load.origin + steps * step + offset;
}

async::Task<Status> relay(Load& load, net::grpc::ClientCall& call, const std::string& destination) {
  CO_RETURN_IF_ERROR(co_await call.write(load.answer.head));
  CO_RETURN_IF_ERROR(co_await expect(call));
  const Duration step = load.plan.lasts / load.plan.events;
  TimePoint due = first_moment(load, destination);
  for (std::size_t i = 0; i < load.plan.events; ++i, due += step) {
    co_await async::sleep_until(due);
    const bool last = i + 1 == load.plan.events;
    const TimePoint sent = now();
    CO_RETURN_IF_ERROR(co_await call.write(last ? load.answer.last : load.answer.event));
    CO_RETURN_IF_ERROR(co_await expect(call));
    if (load.counting) load.events.push_back((now() - sent).count());
  }
  CO_RETURN_IF_ERROR(co_await call.write(load.answer.end));
  CO_RETURN_IF_ERROR(co_await expect(call));
  CO_RETURN_IF_ERROR(co_await call.finish_writes());
  const auto end = co_await call.read();
  if (!end.ok()) co_return end.error();
  co_return end->has_value() ? unavailable("a message too many") : Status();
}

async::Task<Status> one_request(Load& load, HttpClient& client, std::uint64_t number) {
  net::grpc::ClientCall call(client);
  net::grpc::CallOptions options;
  options.tls = load.plan.tls;
  CO_RETURN_IF_ERROR(co_await call.start(load.plan.address, kProcess, options));
  std::string destination;
  CO_RETURN_IF_ERROR(co_await ask(load, call, number, destination));
  co_return co_await relay(load, call, destination);
}

async::Task<void> count_request(Load& load, HttpClient& client, std::uint64_t number) {
  const Status status = co_await one_request(load, client, number);
  if (!status.ok() && load.wrong == 0) {
    std::fprintf(stderr, "epp_load: %s\n", status.to_string().c_str());
  }
  if (!load.counting) co_return;
  ++(status.ok() ? load.ended : load.wrong);
}

void say(const char* word) {
  std::puts(word);
  std::fflush(stdout);
}

// Open loop: a stream begins when it is due, whatever became of those before it.
async::Task<void> open_streams(async::Loop& loop, Load& load) {
  const Plan& plan = load.plan;
  std::vector<std::unique_ptr<HttpClient>> clients;
  for (std::size_t i = 0; i < plan.connections; ++i) {
    clients.push_back(std::make_unique<HttpClient>(loop));
  }
  async::StopScope scope(loop);
  const Duration warm = plan.lasts + 1s;
  const TimePoint begin = now() + warm;
  const TimePoint end = begin + plan.measured;
  const Duration step =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / plan.rate));
  TimePoint due = now();
  for (std::uint64_t number = 0; due < end; ++number, due += step) {
    co_await async::sleep_until(due);
    if (!load.counting && due >= begin) {
      load.counting = true;
      say("begin");
    }
    scope.spawn(count_request(load, *clients[number % clients.size()], number));
  }
  say("end");
  load.counting = false;
  co_await scope.join();
}

std::string percentiles(std::vector<std::int64_t>& values) {
  if (values.empty()) return "0 0 0";
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
    return static_cast<double>(values[index]) / 1e3;
  };
  return fmt::format("{:.1f} {:.1f} {:.1f}", at(0.5), at(0.95), at(0.99));
}

int run_streams(const Plan& plan) {
  async::Runtime runtime(1);
  runtime.start();
  const Answer answer;
  Load load{.plan = plan, .answer = answer};
  async::run_blocking(runtime.loop(0), open_streams(runtime.loop(0), load));
  runtime.stop();
  runtime.join();
  std::printf("%llu %s %s %llu\n", static_cast<unsigned long long>(load.ended),
              percentiles(load.decisions).c_str(), percentiles(load.events).c_str(),
              static_cast<unsigned long long>(load.wrong));
  return load.ended > 0 ? 0 : 1;
}

double number_of(const char* text) {
  double value = 0;
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "engines" && argc > 2) {
    std::vector<std::uint16_t> ports;
    for (int i = 2; i < argc; ++i) ports.push_back(static_cast<std::uint16_t>(number_of(argv[i])));
    return serve_engines(ports);
  }
  if (mode != "streams" || argc != 10) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  Plan plan;
  plan.address = {"127.0.0.1", static_cast<std::uint16_t>(number_of(argv[2]))};
  plan.rate = number_of(argv[3]);
  plan.measured = std::chrono::milliseconds(static_cast<int>(number_of(argv[4]) * 1000));
  plan.events = static_cast<std::size_t>(number_of(argv[5]));
  plan.lasts = std::chrono::milliseconds(static_cast<int>(number_of(argv[6])));
  plan.connections = static_cast<std::size_t>(number_of(argv[7]));
  plan.together = std::string_view(argv[8]) == "together";
  if (std::string_view(argv[9]) == "tls") {
    net::TlsClientConfig config;
    config.verify = false;  // the picker's certificate is self-signed
    auto context = net::TlsClientContext::create(config);
    if (!context.ok()) return 1;
    plan.tls = *context;
  }
  if (plan.rate <= 0 || plan.events == 0 || plan.connections == 0 ||
      plan.lasts <= Duration::zero()) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  return run_streams(plan);
}
