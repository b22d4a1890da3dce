#include "control/core/llmd/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace nacelle::control::llmd {
namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

std::int64_t gib(double amount) { return static_cast<std::int64_t>(std::llround(amount * kGiB)); }

std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

double activation_gib(Family family) {
  switch (family) {
    case Family::kLlama:
      return 4.8;
    case Family::kQwen:
      return 5.6;
    case Family::kOther:
      return 5.5;
    case Family::kMixture:
      return 8.0;
    case Family::kMultimodal:
      return 2.5;
  }
  return 5.5;
}

// a · b · c, at most kMostBytes.
std::int64_t bytes_of(std::int64_t a, std::int64_t b, std::int64_t c) {
  __extension__ using Wide = __int128;
  const auto clamped = [](Wide value) {
    return static_cast<std::int64_t>(std::min<Wide>(value, kMostBytes));
  };
  return clamped(Wide{clamped(Wide{a} * b)} * c);
}

// Of one layer and token.
std::int64_t kv_bytes_per_layer(const ModelShape& model, const EngineShape& engine) {
  if (model.kv_latent > 0) return model.kv_latent * engine.kv_value_bytes;
  // With more devices than KV heads each keeps one.
  return 2 *
         bytes_of(ceil_div(model.kv_heads, engine.tensor), model.head_dim, engine.kv_value_bytes);
}

}  // namespace

std::int64_t kv_bytes_per_token(const ModelShape& model, const EngineShape& engine) {
  const std::int64_t layers =
      ceil_div(model.layers, engine.pipeline) + ceil_div(model.window_layers, engine.pipeline);
  return bytes_of(layers, kv_bytes_per_layer(model, engine), 1);
}

Result<MemoryTerms> memory_of(const ModelShape& model, const EngineShape& engine) {
  if (engine.tensor < 1 || engine.pipeline < 1 || engine.block_tokens < 1) {
    return invalid_argument("tensor {}, pipeline {} and block {} must be at least 1", engine.tensor,
                            engine.pipeline, engine.block_tokens);
  }
  if (model.heads % engine.tensor != 0) {
    return invalid_argument("{} attention heads cannot be split over {} devices", model.heads,
                            engine.tensor);
  }
  const std::int64_t tokens = engine.max_model_len > 0
                                  ? std::min(engine.max_model_len, std::int64_t{1} << 24)
                                  : model.max_positions;
  MemoryTerms out;
  out.weights = ceil_div(std::min(model.weight_bytes, kMostBytes), engine.tensor * engine.pipeline);
  const auto kept = [&](std::int64_t layers, std::int64_t length) {
    const std::int64_t slots = ceil_div(length, engine.block_tokens) * engine.block_tokens;
    return bytes_of(ceil_div(layers, engine.pipeline), slots, kv_bytes_per_layer(model, engine));
  };
  out.kv_minimum =
      kept(model.layers, tokens) + kept(model.window_layers, std::min(tokens, model.window));
  out.activation = gib(activation_gib(model.family));
  out.context = gib(engine.tensor == 1 ? 0.15 : 0.6);
  out.graphs = 0;  // the empirical activation holds them already
  return out;
}

std::string in_gib(std::int64_t bytes) {
  return fmt::format("{:.2f}", static_cast<double>(bytes) / kGiB);
}

std::string describe(const Tenant& tenant) {
  const std::string total = tenant.name + " " + in_gib(tenant.total());
  if (tenant.declared) return total + " (declared)";
  const MemoryTerms& terms = tenant.terms;
  return total + " (weights " + in_gib(terms.weights) + ", KV minimum " + in_gib(terms.kv_minimum) +
         ", activation " + in_gib(terms.activation) + ", context " + in_gib(terms.context) +
         ", graphs " + in_gib(terms.graphs) + ")";
}

double utilization_of(const std::vector<Tenant>& tenants) {
  if (tenants.size() == 1) return tenants[0].utilization;
  double out = Tenant().utilization;
  for (const Tenant& tenant : tenants) out = std::max(out, tenant.utilization);
  return out;
}

Status check_device(const std::vector<Tenant>& tenants, std::int64_t device_bytes) {
  const double utilization = utilization_of(tenants);
  const auto budget = static_cast<std::int64_t>(static_cast<double>(device_bytes) * utilization);
  std::int64_t sum = 0;
  std::string list;
  for (const Tenant& tenant : tenants) {
    sum += tenant.total();
    list += (list.empty() ? "" : "; ") + describe(tenant);
  }
  if (sum <= budget) return {};
  return failed_precondition(
      "{} GiB are needed of {} GiB ({:.0f} % of a {} GiB device), {} GiB too "
      "much: {}",
      in_gib(sum), in_gib(budget), utilization * 100, in_gib(device_bytes), in_gib(sum - budget),
      list);
}

}  // namespace nacelle::control::llmd
