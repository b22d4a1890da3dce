#include "cli/bench/load_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "async/deadline.h"
#include "net/sse/event_parser.h"

namespace nacelle::cli {
namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

// Reads one event of the stream into the measurement; true when it carried text.
bool read_event(std::string_view data, Measurement& measurement) {
  const nlohmann::json event = nlohmann::json::parse(data, nullptr, false);
  if (event.is_discarded() || !event.is_object()) {
    measurement.error = "malformed event";
    return false;
  }
  if (event.contains("error")) {
    measurement.error = "error event";
    return false;
  }
  if (const auto usage = event.find("usage"); usage != event.end() && usage->is_object()) {
    measurement.prompt_tokens = usage->value("prompt_tokens", std::uint64_t{0});
    measurement.output_tokens = usage->value("completion_tokens", std::uint64_t{0});
    if (const auto details = usage->find("prompt_tokens_details");
        details != usage->end() && details->is_object()) {
      measurement.cached_tokens = details->value("cached_tokens", std::uint64_t{0});
    }
  }
  const auto choices = event.find("choices");
  if (choices == event.end() || !choices->is_array() || choices->empty()) return false;
  const nlohmann::json& choice = choices->front();
  if (const auto text = choice.find("text"); text != choice.end() && text->is_string()) {
    return !text->get_ref<const std::string&>().empty();
  }
  if (const auto delta = choice.find("delta"); delta != choice.end() && delta->is_object()) {
    const auto content = delta->find("content");
    return content != delta->end() && content->is_string() &&
           !content->get_ref<const std::string&>().empty();
  }
  return false;
}

// Closes the exchange when the request takes too long.
void cancel_exchange(void* exchange) {
  static_cast<net::http::ClientExchange*>(exchange)->cancel();
}

}  // namespace

std::string request_body(const LoadTarget& target, const std::string& prompt) {
  nlohmann::ordered_json body;
  if (!target.model.empty()) body["model"] = target.model;
  if (target.api == LoadApi::kChat) {
    body["messages"] = nlohmann::ordered_json::array({{{"role", "user"}, {"content", prompt}}});
  } else {
    body["prompt"] = prompt;
  }
  body["max_tokens"] = target.output_tokens;
  body["temperature"] = 0;
  if (target.ignore_eos) body["ignore_eos"] = true;
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  return body.dump();
}

LoadClient::LoadClient(async::Loop& loop, LoadTarget target)
    : target_(std::move(target)), client_(loop, {.max_idle_per_endpoint = 4096}) {}

async::Task<Measurement> LoadClient::send(std::string prompt, TimePoint stage_start) {
  Measurement measurement;
  const std::string body = request_body(target_, prompt);
  net::http::RequestHead head;
  head.method = "POST";
  head.target = target_.api == LoadApi::kChat ? "/v1/chat/completions" : "/v1/completions";
  head.headers.add("content-type", "application/json");
  if (!target_.api_key.empty()) head.headers.add("authorization", "Bearer " + target_.api_key);

  net::http::ClientExchange exchange(client_);
  async::Deadline deadline(client_.loop(), cancel_exchange, &exchange);
  const TimePoint sent_at = now();
  measurement.sent_s = to_seconds(sent_at - stage_start);
  deadline.arm_after(target_.timeout);
  const bool timed = target_.timeout > Duration::zero();
  const auto finish = [&](std::string error) {
    measurement.e2e_s = to_seconds(now() - sent_at);
    const bool late = timed && now() - sent_at >= target_.timeout;
    measurement.error = error.empty() ? error : late ? "timeout" : std::move(error);
    measurement.ok = measurement.error.empty();
  };

  const Status sent = co_await exchange.send(target_.address, head, body);
  if (!sent.ok()) {
    finish(exchange.stage() == net::http::ClientStage::kConnecting ? "connect" : "no answer");
    co_return measurement;
  }
  if (exchange.response().status != 200) {
    const int status = exchange.response().status;
    (void)co_await exchange.read_body(1 << 20);
    finish(fmt::format("HTTP {}", status));
    co_return measurement;
  }
  net::sse::SseParser parser;
  TimePoint last_text = sent_at;
  std::uint64_t chunks = 0;
  bool done = false;
  while (!done) {
    auto piece = co_await exchange.read_chunk();
    if (!piece) {
      finish("broke off");
      co_return measurement;
    }
    if (piece->empty()) break;
    parser.feed(*piece);
    while (auto event = parser.next()) {
      if (event->data == "[DONE]") {
        done = true;
        continue;
      }
      if (!read_event(event->data, measurement)) continue;
      const TimePoint at = now();
      if (chunks++ == 0) {
        measurement.ttft_s = to_seconds(at - sent_at);
      } else {
        measurement.itl_s.push_back(to_seconds(at - last_text));
      }
      last_text = at;
    }
  }
  if (done) {
    while (true) {  // the end of the body, so that the connection can be used again
      auto rest = co_await exchange.read_chunk();
      if (!rest || rest->empty()) break;
    }
  }
  std::string error = std::move(measurement.error);
  if (error.empty() && !done) error = "no [DONE]";
  if (error.empty() && chunks == 0) error = "no text";
  if (measurement.output_tokens == 0) measurement.output_tokens = chunks;  // a server without usage
  finish(std::move(error));
  co_return measurement;
}

}  // namespace nacelle::cli
