// stream_pool.h: a pool with two endpoints and what its streams need, for tests and fuzzers of
// PickerStream; messages of a proxy as bytes, and replies read back.
//
// Home:    as PickerStream; constructed before and destroyed after the server that uses it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "epp/picker_stream.h"
#include "net/grpc/typed.h"
#include "router/policy.h"

namespace nacelle::epp::testing {

struct StreamPool {
  static router::flow::FlowControlConfig without_queues() {
    router::flow::FlowControlConfig config;
    config.enabled = false;
    return config;
  }

  explicit StreamPool(router::flow::FlowControlConfig flow_config = without_queues())
      : router(router::make_policy("prefix-aware").value()),
        flow(
            std::move(flow_config),
            [this](TimePoint, std::vector<router::flow::EndpointLoad>& out) {
              for (const auto& endpoint : router.pool()->endpoints) {
                router::flow::EndpointLoad load;
                load.in_flight_requests = router.load_of(endpoint.id).requests;
                out.push_back(load);
              }
            },
            clock, nullptr) {
    auto pool = std::make_shared<router::PoolSnapshot>();
    for (std::uint32_t i = 0; i < 2; ++i) {
      router::EndpointSnapshot& endpoint = pool->endpoints.emplace_back();
      endpoint.id = router::EndpointId{i};
      endpoint.name = "pod-" + std::to_string(i);
      endpoint.address = "10.0.0." + std::to_string(i + 1) + ":8000";
    }
    router.publish(std::move(pool));
  }

  // Requests and tokens in flight, over both endpoints.
  [[nodiscard]] std::uint64_t booked() const {
    std::uint64_t sum = 0;
    for (std::uint32_t i = 0; i < 2; ++i) {
      const router::InFlightLoad load = router.load_of(router::EndpointId{i});
      sum += load.requests + load.tokens;
    }
    return sum;
  }

  SteadyClock clock;
  telemetry::Metrics metrics;
  router::Router router;
  router::objective::ObjectiveStore objectives;
  PickerMetrics picker_metrics{metrics};
  PoolMetrics pool_metrics{metrics, router, {.pool = "pool", .version = "test"}};
  router::flow::FlowController flow;
  Picker picker{.router = router,
                .flow = flow,
                .objectives = objectives,
                .metrics = picker_metrics,
                .pool_metrics = pool_metrics,
                .clock = clock,
                .precise = nullptr,
                .options = {}};
};

inline async::Task<Status> serve(StreamPool* pool, net::grpc::ServerCall& call) {
  thread_local router::RequestBodyReader reader;
  PickerStream stream(pool->picker, reader, call);
  co_return co_await stream.run();
}

// Streams at /Process.
inline net::http::Handler handler_of(StreamPool& pool) {
  net::grpc::Server methods;
  methods.add("/Process", [&pool](net::grpc::ServerCall& call) { return serve(&pool, call); });
  return methods.handler();
}

using Fields = std::vector<std::pair<std::string, std::string>>;

inline void add_headers(std::string& wire, Half half, const Fields& fields) {
  ProcessingRequest message;
  auto& headers = half == Half::kRequest ? *message.mutable_request_headers()
                                         : *message.mutable_response_headers();
  for (const auto& [name, value] : fields) {
    auto& header = *headers.mutable_headers()->add_headers();
    header.set_key(name);
    header.set_raw_value(value);
  }
  net::grpc::append_framed(message, wire);
}

inline void add_piece(std::string& wire, Half half, std::string_view piece, bool end) {
  ProcessingRequest message;
  auto& body =
      half == Half::kRequest ? *message.mutable_request_body() : *message.mutable_response_body();
  body.set_body(std::string(piece));
  body.set_end_of_stream(end);
  net::grpc::append_framed(message, wire);
}

// A chat that is asked for model "a" and served by model "b", its body in three pieces.
inline std::string chat_request() {
  std::string wire;
  add_headers(wire, Half::kRequest,
              {{":path", "/v1/chat/completions"}, {"x-llm-d-model-name-rewrite", "b"}});
  const std::string body =
      R"({"model":"a","stream":true,"messages":[{"role":"user","content":"hi"}]})";
  add_piece(wire, Half::kRequest, body.substr(0, 10), false);
  add_piece(wire, Half::kRequest, body.substr(10, 30), false);
  add_piece(wire, Half::kRequest, body.substr(40), true);
  return wire;
}

// The same and an answer of 20 events.
inline std::string chat(std::string& answer) {
  std::string wire = chat_request();
  add_headers(wire, Half::kResponse, {{":status", "200"}, {"content-type", "text/event-stream"}});
  for (int i = 0; i < 20; ++i) {
    const bool last = i == 19;
    const std::string rest =
        last ? R"("choices":[],"usage":{"prompt_tokens":7,"completion_tokens":19}})"
             : R"("choices":[{"delta":{"content":"x"}}],"usage":null})";
    add_piece(wire, Half::kResponse, R"(data: {"model":"b",)" + rest + "\n\n", false);
    answer += R"(data: {"model":"a",)" + rest + "\n\n";
  }
  add_piece(wire, Half::kResponse, "data: [DONE]\n\n", true);
  answer += "data: [DONE]\n\n";
  return wire;
}

}  // namespace nacelle::epp::testing
