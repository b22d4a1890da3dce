#include "apps/nacelle/serve_process.h"

#include <unistd.h>

#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <future>

#include "apps/nacelle/version.h"
#include "async/task_scope.h"
#include "engine/host_memory.h"
#include "engine/memory.h"
#include "kernels/threads/numa_memory.h"
#include "prompt/prompt_sources.h"
#include "telemetry/log.h"

namespace nacelle::apps {
namespace {

// --enable-ssl-refresh: a few calls of stat().
constexpr Duration kCertificateInterval = 1s;

double seconds_since(TimePoint start) {
  return to_seconds(std::chrono::steady_clock::now() - start);
}

Status apply_override(const nlohmann::json& override_json, model::GenerationConfig& generation) {
  if (override_json.is_null() || override_json.empty()) return {};
  auto parsed =
      model::GenerationConfig::parse(override_json.dump(), "--override-generation-config");
  if (!parsed) return parsed.error();
  if (parsed->temperature) generation.temperature = parsed->temperature;
  if (parsed->top_p) generation.top_p = parsed->top_p;
  if (parsed->top_k) generation.top_k = parsed->top_k;
  if (parsed->min_p) generation.min_p = parsed->min_p;
  if (parsed->repetition_penalty) generation.repetition_penalty = parsed->repetition_penalty;
  if (parsed->max_new_tokens) generation.max_new_tokens = parsed->max_new_tokens;
  if (!parsed->eos_token_ids.empty()) generation.eos_token_ids = parsed->eos_token_ids;
  return {};
}

void log_packed_cache(const model::PackedCacheEvent& event) {
  using Kind = model::PackedCacheEvent::Kind;
  const std::string file = event.file.string();
  switch (event.kind) {
    case Kind::kMapped:
      return log::info("packed weights mapped", {{"file", file}, {"bytes", event.bytes}});
    case Kind::kWritten:
      return log::info("packed weights cached", {{"file", file}, {"bytes", event.bytes}});
    case Kind::kRejected:
      return log::warn("packed weights rejected", {{"file", file}, {"why", event.why}});
    case Kind::kSkipped:
      return log::warn("packed weights are not cached", {{"file", file}, {"why", event.why}});
  }
}

// The commonest mistakes, told before a port is taken.
Status check_model_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (std::filesystem::is_directory(folder, ignored)) return {};
  const bool exists = std::filesystem::exists(folder, ignored);
  return not_found(
      "{} {}: a model is a local folder with config.json, tokenizer.json and *.safetensors, and "
      "nothing is downloaded",
      exists ? "this is no folder:" : "there is no folder", folder.string());
}

}  // namespace

Result<std::unique_ptr<ServeProcess>> ServeProcess::start(async::Runtime& runtime,
                                                          ServeOptions options) {
  const TimePoint began = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(check_model_folder(options.model));
  std::unique_ptr<ServeProcess> process(new ServeProcess(std::move(options)));
  RETURN_IF_ERROR(process->load_certificates());
  ASSIGN_OR_RETURN(process->server_, serve::OpenAiServer::bind(runtime, process->options_.http));
  process->report_progress(0);

  // The tokenizer is read while the weights load.
  auto text_side = std::async(std::launch::async, [&] { return process->load_text_side(); });
  auto model = process->load_model();
  RETURN_IF_ERROR(text_side.get());
  RETURN_IF_ERROR(model.status());
  RETURN_IF_ERROR(process->start_engine(std::move(*model)));

  ServeOptions& resolved = process->options_;
  process->work_pool_ = std::make_unique<async::WorkPool>(resolved.tokenizer_threads, 4096);
  resolved.server.system_fingerprint = process->fingerprint();
  RETURN_IF_ERROR(process->server_->start(
      resolved.server, {*process->engine_, process->tokenizer_, process->template_,
                        *process->work_pool_, process->tool_template_}));
  process->report_progress(1);
  log::info(
      fmt::format("Starting vLLM server on {}://{}:{}", process->tls_ != nullptr ? "https" : "http",
                  resolved.http.address.host, process->server_->port()),
      {{"seconds", seconds_since(began)}});
  log::info("Application startup complete.");
  return process;
}

Status ServeProcess::load_certificates() {
  if (!options_.tls.server.has_value()) return {};
  auto reloader = net::TlsReloader::create(*options_.tls.server);
  if (!reloader) return reloader.error().with_context("TLS");
  tls_ = std::move(*reloader);
  options_.http.tls = tls_->source();
  if (options_.tls.refresh) tls_->start(kCertificateInterval);
  return {};
}

Status ServeProcess::load_text_side() {
  ASSIGN_OR_RETURN(prompt::PromptSources sources,
                   prompt::load_prompt_sources(options_.tokenizer, options_.chat_template));
  tokenizer_ = std::move(sources.tokenizer);
  template_ = std::move(sources.chat_template);
  tool_template_ = std::move(sources.tool_chat_template);
  return {};
}

Status ServeProcess::start_kernel_threads() {
  ASSIGN_OR_RETURN(const kernels::ThreadPlan plan, kernels::plan_threads(options_.threads));
  const bool interleaved = kernels::interleave_memory(plan.nodes);
  kernel_pool_ = std::make_unique<kernels::WorkerPool>(plan);
  if (plan.fewer_than_asked) {
    log::warn("--threads is more than this process may use",
              {{"asked", options_.threads.num_threads}, {"threads", plan.num_threads()}});
  }
  log::info("kernel threads",
            {{"threads", kernel_pool_->num_threads()},
             {"cores", plan.num_cores},
             {"nodes", kernels::format_cpu_list(plan.nodes)},
             {"quota", plan.quota ? fmt::format("{:g}", *plan.quota) : std::string("none")},
             {"bound", plan.bound},
             {"memory_interleaved", interleaved}});
  return {};
}

Result<std::unique_ptr<model::CausalLm>> ServeProcess::load_model() {
  RETURN_IF_ERROR(start_kernel_threads());
  options_.load.progress = [this](double share) { report_progress(share * 0.95); };
  options_.load.packed_cache.report = log_packed_cache;
  const TimePoint began = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(std::unique_ptr<model::CausalLm> model,
                   model::CausalLm::load(options_.model, options_.load, *kernel_pool_));
  const model::ModelConfig& config = model->config();
  log::info("weights loaded", {{"architecture", config.architecture},
                               {"dtype", to_string(model->dtype())},
                               {"format", model->weight_format()},
                               {"bytes", model->weight_bytes()},
                               {"threads", kernel_pool_->num_threads()},
                               {"seconds", seconds_since(began)}});
  return model;
}

Status ServeProcess::start_engine(std::unique_ptr<model::CausalLm> model) {
  const model::ModelConfig& config = model->config();
  model::GenerationConfig generation;
  if (options_.generation_config != "vllm") {
    const bool own = options_.generation_config == "auto";
    ASSIGN_OR_RETURN(generation,
                     model::GenerationConfig::load(
                         own ? options_.model : std::filesystem::path(options_.generation_config)));
  }
  RETURN_IF_ERROR(apply_override(options_.override_generation_config, generation));
  if (generation.eos_token_ids.empty()) generation.eos_token_ids = config.eos_token_ids;
  resolve_defaults(generation);

  engine::EngineConfig& engine = options_.engine;
  engine.max_model_len = options_.max_model_len.value_or(config.max_model_len);
  if (engine.max_model_len > config.max_model_len) {
    return invalid_argument(
        "--max-model-len {} is larger than the {} tokens that the model was made for",
        engine.max_model_len, config.max_model_len);
  }
  if (!engine.enable_chunked_prefill) {
    engine.max_num_batched_tokens = std::max(engine.max_num_batched_tokens, engine.max_model_len);
  }
  ASSIGN_OR_RETURN(const engine::HostMemory host, engine::read_host_memory());
  engine::KvMemoryRequest request;
  request.bytes_per_block = model->kv_bytes_per_block(engine.block_size);
  request.block_size = engine.block_size;
  request.max_model_len = options_.max_model_len_auto ? 1 : engine.max_model_len;
  request.num_blocks_override = options_.kv.num_blocks;
  request.kv_bytes = options_.kv.bytes;
  request.memory_share = options_.kv.share;
  request.step_bytes = model->activation_bytes(engine.max_num_batched_tokens) +
                       (std::uint64_t{engine.max_num_seqs} + engine.max_prompt_logprob_rows) *
                           config.vocab_size * sizeof(float);
  ASSIGN_OR_RETURN(engine.num_blocks, engine::choose_num_blocks(request, host));
  if (options_.max_model_len_auto) {
    const std::uint64_t fits = std::uint64_t{engine.num_blocks - 1} * engine.block_size;
    engine.max_model_len =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(engine.max_model_len, fits));
  }
  options_.server.max_model_len = engine.max_model_len;
  options_.server.vocab_size = config.vocab_size;
  options_.server.cache_config_labels = {
      {"cache_dtype", std::string(to_string(options_.load.kv_dtype.value_or(model->dtype())))},
      {"gpu_memory_utilization", fmt::format("{}", options_.kv.share)}};
  log::info("KV cache", {{"blocks", engine.num_blocks},
                         {"block_size", engine.block_size},
                         {"tokens", std::uint64_t{engine.num_blocks} * engine.block_size},
                         {"bytes", std::uint64_t{engine.num_blocks} * request.bytes_per_block},
                         {"max_model_len", engine.max_model_len}});
  ASSIGN_OR_RETURN(engine_, engine::Engine::start(engine, std::move(model), kernel_pool_.get()));
  return {};
}

void ServeProcess::resolve_defaults(const model::GenerationConfig& generation) {
  serve::SamplingDefaults& defaults = options_.server.defaults;
  defaults.temperature = generation.temperature;
  defaults.top_p = generation.top_p;
  defaults.min_p = generation.min_p;
  defaults.repetition_penalty = generation.repetition_penalty;
  defaults.top_k = generation.top_k;
  defaults.max_new_tokens = generation.max_new_tokens;
  // The cap holds where an operator chose it (engine.md section 8), not where the model's file did.
  const bool chosen = options_.generation_config != "auto" && options_.generation_config != "vllm";
  if (chosen || (options_.override_generation_config.is_object() &&
                 options_.override_generation_config.contains("max_new_tokens"))) {
    defaults.max_new_tokens_cap = generation.max_new_tokens;
  }

  // The tokenizer's EOS is the primary one; without it the first of the list is. The others stop
  // too, and say which they were.
  std::vector<TokenId> eos = generation.eos_token_ids;
  if (const auto text = tokenizer_->config().eos_token()) {
    if (const auto id = tokenizer_->token_to_id(*text)) options_.engine.eos_token = *id;
  }
  if (options_.engine.eos_token < 0 && !eos.empty()) options_.engine.eos_token = eos.front();
  std::erase(eos, options_.engine.eos_token);
  defaults.extra_eos_token_ids = std::move(eos);
}

std::optional<std::string> ServeProcess::fingerprint() const {
  if (options_.fingerprint_mode == "none") return std::nullopt;
  if (options_.fingerprint_mode == "custom") return options_.fingerprint_value;
  const std::string facts =
      fmt::format("{} {} {} {}", options_.model.string(), options_.engine.max_model_len,
                  options_.engine.block_size, static_cast<int>(options_.engine.hash_algorithm));
  return fmt::format("vllm-{}-{:08x}", kVllmVersion,
                     static_cast<std::uint32_t>(XXH64(facts.data(), facts.size(), 0)));
}

void ServeProcess::report_progress(double share) const {
  if (options_.progress_fd < 0) return;
  const std::string line = fmt::format("{:.3f}\n", share);
  // A full or closed pipe only costs the display a line.
  [[maybe_unused]] const ssize_t written = ::write(options_.progress_fd, line.data(), line.size());
}

async::Task<int> ServeProcess::drain(int signal, async::TerminationSignals* signals) {
  const double timeout_s = options_.shutdown_timeout_s;
  log::info("draining", {{"signal", signal}, {"timeout_seconds", timeout_s}});
  const TimePoint deadline =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(timeout_s));
  struct Force {
    static async::Task<void> on_second(async::TerminationSignals* signals) {
      if (const int second = co_await signals->next(); second != 0) std::_Exit(128 + second);
    }
  };
  async::StopScope scope(*async::Loop::current());
  scope.spawn(Force::on_second(signals));
  const Status drained = co_await server_->drain(deadline);
  if (!drained.ok()) log::warn("not everything ended in time", {{"why", drained}});
  engine_->stop(std::chrono::milliseconds(0));
  signals->cancel();
  co_await scope.join();
  log::info("stopped");
  co_return 0;
}

}  // namespace nacelle::apps
