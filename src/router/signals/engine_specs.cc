#include "router/signals/engine_specs.h"

namespace nacelle::router {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool is_metric_name(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != ':') return false;
  }
  return true;
}

MetricSpec metric(std::string name, std::string label = {}, std::string value = {}) {
  MetricSpec out{std::move(name), {}};
  if (!label.empty()) out.labels.emplace_back(std::move(label), std::move(value));
  return out;
}

std::vector<EngineSpec> make_builtin() {
  std::vector<EngineSpec> out(5);
  EngineSpec& vllm = out[0];
  vllm.name = "vllm";
  vllm.waiting = metric("vllm:num_requests_waiting");
  vllm.running = metric("vllm:num_requests_running");
  vllm.kv_usage = metric("vllm:kv_cache_usage_perc");
  vllm.lora = metric("vllm:lora_requests_info");
  vllm.cache_info = metric("vllm:cache_config_info");
  vllm.decode_rate = metric("vllm:decode_tokens_per_second");  // ours alone

  EngineSpec& sglang = out[1];
  sglang.name = "sglang";
  sglang.waiting = metric("sglang:num_queue_reqs");
  sglang.running = metric("sglang:num_running_reqs");
  sglang.kv_usage = metric("sglang:token_usage");
  sglang.cache_info = metric("sglang:cache_config_info");
  sglang.block_size_label = "page_size";
  sglang.num_blocks_label = "num_pages";

  EngineSpec& trtllm = out[2];
  trtllm.name = "trtllm-serve";
  trtllm.waiting = metric("trtllm_num_requests_waiting");
  trtllm.running = metric("trtllm_num_requests_running");
  trtllm.kv_usage = metric("trtllm_kv_cache_utilization");
  trtllm.block_size = metric("trtllm_kv_cache_tokens_per_block");
  trtllm.num_blocks = metric("trtllm_kv_cache_max_blocks");

  EngineSpec& triton_trt = out[3];
  triton_trt.name = "triton-tensorrt-llm";
  triton_trt.waiting = metric("nv_trt_llm_request_metrics", "request_type", "waiting");
  triton_trt.running = metric("nv_trt_llm_request_metrics", "request_type", "scheduled");
  const std::string blocks = "nv_trt_llm_kv_cache_block_metrics";
  triton_trt.kv_usage = metric(blocks, "kv_cache_block_type", "fraction");
  triton_trt.block_size = metric(blocks, "kv_cache_block_type", "tokens_per");
  triton_trt.num_blocks = metric(blocks, "kv_cache_block_type", "max");

  EngineSpec& triton = out[4];
  triton.name = "triton";
  triton.waiting = metric("nv_inference_pending_request_count");
  triton.running = metric("nv_inference_exec_count");
  return out;
}

}  // namespace

std::optional<MetricSpec> parse_metric_spec(std::string_view text) {
  text = trimmed(text);
  MetricSpec out;
  const std::size_t brace = text.find('{');
  out.name = trimmed(text.substr(0, brace));
  if (!is_metric_name(out.name)) return std::nullopt;
  if (brace == std::string_view::npos) return out;
  if (text.back() != '}') return std::nullopt;
  std::string_view labels = text.substr(brace + 1, text.size() - brace - 2);
  while (!labels.empty()) {
    const std::size_t comma = std::min(labels.find(','), labels.size());
    const std::string_view pair = trimmed(labels.substr(0, comma));
    labels.remove_prefix(std::min(comma + 1, labels.size()));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || !is_metric_name(pair.substr(0, equals))) {
      return std::nullopt;
    }
    std::string_view value = pair.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    out.labels.emplace_back(pair.substr(0, equals), value);
  }
  return out;
}

std::span<const EngineSpec> builtin_engines() {
  static const std::vector<EngineSpec> engines = make_builtin();
  return engines;
}

void EngineSpecs::set(EngineSpec spec) {
  for (EngineSpec& engine : engines) {
    if (engine.name != spec.name) continue;
    engine = std::move(spec);
    return;
  }
  engines.push_back(std::move(spec));
}

const EngineSpec* EngineSpecs::find(std::string_view name) const {
  for (const EngineSpec& engine : engines) {
    if (engine.name == name) return &engine;
  }
  return nullptr;
}

}  // namespace nacelle::router
