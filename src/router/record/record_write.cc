#include <xxhash.h>

#include <cmath>

#include "router/record/json_bytes.h"
#include "router/record/record_text.h"

namespace nacelle::router {
namespace {

class Writer {
 public:
  Writer& key(std::string_view name) {
    separate();
    append_json_bytes(name, out);
    out += ':';
    fresh_ = true;
    return *this;
  }
  void text(std::string_view value) {
    separate();
    append_json_bytes(value, out);
  }
  template <class Integer>
  void integer(Integer value) {
    separate();
    fmt::format_to(std::back_inserter(out), "{}", value);
  }
  // The shortest text that reads back as the same number; null for what JSON has no number for.
  void number(double value) {
    separate();
    if (std::isfinite(value)) {
      fmt::format_to(std::back_inserter(out), "{}", value);
    } else {
      out += "null";
    }
  }
  void boolean(bool value) {
    separate();
    out += value ? "true" : "false";
  }
  void open(char bracket) {
    separate();
    out += bracket;
    fresh_ = true;
  }
  void close(char bracket) {
    out += bracket;
    fresh_ = false;
  }

  std::string out;

 private:
  void separate() {
    if (!fresh_) out += ',';
    fresh_ = false;
  }
  bool fresh_ = true;
};

std::int64_t nanoseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
}

void write_metrics(Writer& w, const EndpointMetrics& metrics) {
  w.key("metrics").open('[');
  w.integer(nanoseconds(metrics.updated.time_since_epoch()));
  w.number(metrics.waiting_requests);
  w.number(metrics.running_requests);
  w.number(metrics.kv_usage);
  w.integer(metrics.block_size_tokens);
  w.integer(metrics.num_blocks);
  w.close(']');
}

void write_names(Writer& w, std::string_view key, const std::vector<std::string>& names) {
  w.key(key).open('[');
  for (const std::string& name : names) w.text(name);
  w.close(']');
}

std::string endpoint_text(const EndpointSnapshot& endpoint) {
  Writer w;
  w.open('{');
  w.key("id").integer(endpoint.id.value);
  w.key("name").text(endpoint.name);
  w.key("namespace").text(endpoint.name_space);
  w.key("address").text(endpoint.address);
  if (!endpoint.serving) w.key("serving").boolean(false);
  if (endpoint.rank != 0) w.key("rank").integer(endpoint.rank);
  if (endpoint.metrics.known) write_metrics(w, endpoint.metrics);
  if (endpoint.labels != nullptr) {
    w.key("labels").open('{');
    for (const auto& [key, value] : *endpoint.labels) w.key(key).text(value);
    w.close('}');
  }
  if (endpoint.lora != nullptr) {
    w.key("lora").open('{');
    write_names(w, "active", endpoint.lora->active);
    write_names(w, "waiting", endpoint.lora->waiting);
    w.key("max").integer(endpoint.lora->max_active);
    w.close('}');
  }
  if (endpoint.attributes != nullptr) {
    w.key("attributes").open('{');
    for (const auto& [key, value] : *endpoint.attributes) w.key(key).number(value);
    w.close('}');
  }
  w.close('}');
  return std::move(w.out);
}

void write_request(Writer& w, const RecordedInput& recorded) {
  const RoutingRequest& request = recorded.input.request;
  w.key("request").open('{');
  w.key("model").text(recorded.model);
  w.key("seed").integer(request.random);
  w.key("prompt_tokens").integer(request.prompt_tokens);
  w.key("block_size").integer(request.block_size_tokens);
  if (request.priority != 0) w.key("priority").integer(request.priority);
  if (request.max_output_tokens != 0) w.key("max_output").integer(request.max_output_tokens);
  if (request.slo_ttft_ms != 0) w.key("slo_ttft_ms").number(request.slo_ttft_ms);
  if (request.slo_tpot_ms != 0) w.key("slo_tpot_ms").number(request.slo_tpot_ms);
  if (request.prefer_if_available) w.key("prefer_if_available").boolean(true);
  if (!recorded.headers.empty()) {
    w.key("headers").open('{');
    for (const auto& [name, value] : recorded.headers) w.key(name).text(value);
    w.close('}');
  }
  if (!recorded.excluded.empty()) {
    w.key("excluded").open('[');
    for (const EndpointId id : recorded.excluded) w.integer(id.value);
    w.close(']');
  }
  if (!recorded.subset.empty()) write_names(w, "subset", recorded.subset);
  w.close('}');
}

// Pairs of position and value, without the zeros.
template <class Values>
void write_sparse(Writer& w, std::string_view key, const Values& values) {
  w.key(key).open('[');
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    w.integer(i);
    w.integer(values[i]);
  }
  w.close(']');
}

void write_columns(Writer& w, const DecisionInput& input) {
  write_sparse(w, "requests", input.load_requests);
  write_sparse(w, "tokens", input.load_tokens);
  write_sparse(w, "unseen", input.unseen_requests);
  w.key("prefix").open('[');
  for (const PrefixColumn& column : input.prefix) {
    w.open('{');
    w.key("total").integer(column.total_blocks);
    w.key("block_size").integer(column.block_size_tokens);
    if (!column.matched.empty()) write_sparse(w, "matched", column.matched);
    if (!column.cached.empty()) write_sparse(w, "cached", column.cached);
    w.close('}');
  }
  w.close(']');
  w.key("columns").open('[');
  for (const Column& column : input.columns) {
    w.open('[');
    for (const double value : column) w.number(value);
    w.close(']');
  }
  w.close(']');
}

void write_headers(Writer& w, std::string_view key, const std::vector<HeaderValue>& headers) {
  if (headers.empty()) return;
  w.key(key).open('[');
  for (const HeaderValue& header : headers) {
    w.open('[');
    w.text(header.name);
    w.text(header.value);
    w.close(']');
  }
  w.close(']');
}

}  // namespace

std::uint64_t config_hash(std::string_view text) { return XXH64(text.data(), text.size(), 0); }

std::string config_line(std::string_view config_text) {
  Writer w;
  w.open('{');
  w.key("k").text("config");
  w.key("version").integer(1);
  w.key("hash").text(fmt::format("{:016x}", config_hash(config_text)));
  w.key("text").text(config_text);
  w.close('}');
  return std::move(w.out);
}

std::string lost_line(std::uint64_t count) {
  return fmt::format(R"({{"k":"lost","n":{}}})", count);
}

std::string pool_line(const PoolSnapshot& pool, std::vector<std::string>& written) {
  Writer w;
  w.open('{');
  w.key("k").text("pool");
  w.key("size").integer(pool.endpoints.size());
  w.key("endpoints").open('[');
  written.resize(pool.endpoints.size());
  for (std::size_t i = 0; i < pool.endpoints.size(); ++i) {
    std::string text = endpoint_text(pool.endpoints[i]);
    if (text == written[i]) continue;
    w.open('[');
    w.integer(i);
    w.out += ',';
    w.out += text;
    w.close(']');
    written[i] = std::move(text);
  }
  w.close(']');
  w.close('}');
  return std::move(w.out);
}

std::string outcome_text(const Decision& decision) {
  Writer w;
  w.open('{');
  w.key("primary").integer(decision.primary);
  w.key("results").open('[');
  for (const ProfileResult& result : decision.results) {
    w.open('[');
    w.integer(static_cast<int>(result.state));
    for (const Target& target : result.targets) {
      w.integer(target.position);
      w.number(target.score);
    }
    w.close(']');
  }
  w.close(']');
  write_headers(w, "set", decision.set_headers);
  if (!decision.remove_headers.empty()) write_names(w, "remove", decision.remove_headers);
  write_headers(w, "response", decision.response_headers);
  if (decision.destination_port != 0) w.key("port").integer(decision.destination_port);
  if (!decision.ok()) {
    w.key("refusal").open('[');
    w.integer(decision.refusal.http_status);
    w.text(decision.refusal.reason);
    w.text(decision.refusal.status.to_string());
    w.close(']');
  }
  w.close('}');
  return std::move(w.out);
}

std::string pick_line(std::uint64_t number, const RecordedInput& recorded,
                      const Decision& decision) {
  Writer w;
  w.open('{');
  w.key("k").text("pick");
  w.key("n").integer(number);
  w.key("now").integer(nanoseconds(recorded.input.now.time_since_epoch()));
  w.key("stale_after").integer(nanoseconds(recorded.input.metrics_stale_after));
  write_request(w, recorded);
  write_columns(w, recorded.input);
  w.key("out").text(outcome_text(decision));
  w.close('}');
  return std::move(w.out);
}

}  // namespace nacelle::router
