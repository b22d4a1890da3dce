// The traces and tables of the autoscaler, the pool and the memory of devices.
#include <gtest/gtest.h>

#include <random>

#include "control/core/llmd/admission.h"
#include "control/core/llmd/autoscaler.h"
#include "control/core/llmd/memory.h"
#include "control/core/llmd/pool.h"

namespace nacelle::control::llmd {
namespace {

using kube::Json;

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

AutoscalingSpec both() {
  return {.enabled = true,
          .min_replicas = 1,
          .max_replicas = 8,
          .queue_target = 5,
          .decode_floor = 400,
          .window_seconds = 300};
}

TEST(Autoscaler, ReferenceTrace) {
  struct Row {
    std::int64_t at, ready, pending;
    double queued, decoded;
    std::int64_t desired, recommendation;
  };
  const Row rows[] = {
      {0, 1, 0, 3, 900, 1, 1},    {15, 1, 0, 14, 1000, 3, 3}, {30, 1, 2, 30, 1000, 6, 6},
      {45, 1, 5, 58, 1000, 6, 6}, {120, 6, 0, 2, 5200, 6, 6}, {400, 6, 0, 0, 1500, 6, 4},
      {700, 6, 0, 0, 1500, 5, 4}, {760, 5, 0, 0, 1500, 4, 4}, {1000, 4, 0, 0, 0, 4, 1},
      {1300, 4, 0, 0, 0, 3, 1},   {1360, 3, 0, 0, 0, 2, 1},   {1420, 2, 0, 0, 0, 1, 1},
      {1480, 1, 0, 0, 0, 1, 1},
  };
  AutoscalerState state;
  for (const Row& row : rows) {
    const ScaleDecision decision = scale(both(),
                                         {.now = row.at,
                                          .ready = row.ready,
                                          .pending = row.pending,
                                          .queued = row.queued,
                                          .decode_rate = row.decoded,
                                          .arrival_rate = 5.4,
                                          .completion_rate = 1},
                                         state);
    EXPECT_EQ(decision.desired, row.desired) << "at " << row.at << ": " << decision.reason;
    EXPECT_EQ(decision.recommendation, row.recommendation) << "at " << row.at;
  }
}

TEST(Autoscaler, RulesBesideTheTrace) {
  struct Row {
    const char* name;
    AutoscalingSpec spec;
    LoadSample sample;
    std::int64_t desired;
  };
  AutoscalingSpec queue = both();
  queue.decode_floor.reset();
  AutoscalingSpec zero = both();
  zero.min_replicas = 0;
  const std::vector<Row> rows = {
      {"within the tolerance nothing moves",
       both(),
       {.ready = 2, .queued = 11, .decode_rate = 2000},
       2},
      {"no more than the most", both(), {.ready = 4, .queued = 400, .decode_rate = 2000}, 8},
      {"four more at once", both(), {.ready = 1, .queued = 100, .decode_rate = 2000}, 5},
      {"an empty queue alone does not scale down", queue, {.ready = 4, .queued = 0}, 4},
      {"up wins over few tokens", both(), {.ready = 2, .queued = 15, .decode_rate = 10}, 3},
      {"stale metrics hold",
       both(),
       {.ready = 3, .queued = 99, .decode_rate = 1, .silent_for = 61},
       3},
      {"no metrics hold", both(), {.ready = 3}, 3},
      {"without rates a pending replica is waited for",
       both(),
       {.ready = 1, .pending = 1, .queued = 50, .decode_rate = 900},
       2},
      {"where nothing can be placed nothing is added",
       both(),
       {.ready = 2, .queued = 50, .decode_rate = 2000, .unschedulable_for = 60},
       2},
      {"the first held request wakes", zero, {.held = 1}, 1},
      {"nobody asked", zero, {}, 0},
      {"a service that must have one has one", both(), {}, 1},
  };
  for (const Row& row : rows) {
    AutoscalerState state;
    EXPECT_EQ(scale(row.spec, row.sample, state).desired, row.desired) << row.name;
  }
}

TEST(Autoscaler, DownIsSafeForTheCacheOfTheOthers) {
  AutoscalingSpec spec = both();
  spec.window_seconds = 0;
  AutoscalerState state;
  LoadSample sample{.ready = 4, .queued = 0, .decode_rate = 10, .kv_usage = 0.5};
  EXPECT_EQ(scale(spec, sample, state).recommendation, 3) << "0.5 · 4 / 2 would be full";
  sample.kv_usage = 0;
  sample.running = 100;
  sample.max_running = 60;
  sample.now = 1000;
  EXPECT_EQ(scale(spec, sample, state).recommendation, 3) << "100 / 2 is above 0.8 · 60";
}

TEST(Autoscaler, QueueAloneGoesDownOncePerWindow) {
  AutoscalingSpec spec = both();
  spec.decode_floor.reset();
  AutoscalerState state;
  std::int64_t replicas = 3;
  std::vector<std::int64_t> steps;
  for (std::int64_t now = 0; now <= 2000; now += 15) {
    const auto next = scale(spec, {.now = now, .ready = replicas, .queued = 0}, state).desired;
    if (next != replicas) steps.push_back(now);
    replicas = next;
  }
  EXPECT_EQ(replicas, 1);
  ASSERT_EQ(steps.size(), 2U);
  EXPECT_GE(steps[0], 300);
  EXPECT_GE(steps[1] - steps[0], 300);
}

TEST(Autoscaler, ToZeroAfterSilence) {
  AutoscalingSpec spec = both();
  spec.min_replicas = 0;
  AutoscalerState state;
  std::int64_t replicas = 1;
  std::int64_t zero_at = -1;
  for (std::int64_t now = 0; now <= 2000 && replicas > 0; now += 15) {
    replicas =
        scale(spec, {.now = now, .ready = replicas, .queued = 0, .decode_rate = 0, .idle_for = now},
              state)
            .desired;
    zero_at = now;
  }
  EXPECT_EQ(replicas, 0);
  EXPECT_GE(zero_at, 600);
}

TEST(Autoscaler, NotToZeroWhileARequestIsAtWorkOrWaits) {
  struct Row {
    const char* name;
    LoadSample sample;
    std::int64_t desired;
  };
  AutoscalingSpec spec = both();
  spec.min_replicas = 0;
  spec.window_seconds = 0;
  spec.pace.zero_after_seconds = 3;
  const std::vector<Row> rows = {
      {"three seconds of silence", {.ready = 1, .queued = 0, .decode_rate = 0, .idle_for = 3}, 0},
      {"two", {.ready = 1, .queued = 0, .decode_rate = 0, .idle_for = 2}, 1},
      {"an answer of three seconds",
       {.ready = 1, .queued = 0, .decode_rate = 9, .running = 1, .idle_for = 3},
       1},
      {"it waits in an engine", {.ready = 1, .queued = 1, .decode_rate = 0, .idle_for = 3}, 1},
      {"it waits here for the engine that is ready now",
       {.ready = 1, .queued = 0, .held = 1, .decode_rate = 0, .idle_for = 3},
       1},
  };
  for (const Row& row : rows) {
    AutoscalerState state;
    EXPECT_EQ(scale(spec, row.sample, state).desired, row.desired) << row.name;
  }
}

TEST(Autoscaler, GoesDownAtThePaceOfItsAnnotations) {
  AutoscalingSpec spec = both();
  spec.decode_floor.reset();
  spec.window_seconds = 0;
  spec.pace.down_period_seconds = 4;
  AutoscalerState state;
  std::int64_t replicas = 4;
  std::vector<std::int64_t> steps;
  for (std::int64_t now = 0; now <= 60; ++now) {
    const auto next = scale(spec, {.now = now, .ready = replicas, .queued = 0}, state).desired;
    if (next != replicas) steps.push_back(now);
    replicas = next;
  }
  EXPECT_EQ(steps, (std::vector<std::int64_t>{0, 4, 8}));
}

TEST(Autoscaler, NeverLeavesItsBoundsAndNeverFlaps) {
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    AutoscalerState state;
    std::int64_t replicas = 1;
    std::int64_t last_up = -1'000'000;
    for (std::int64_t now = 0; now < 20'000; now += 15) {
      const LoadSample sample{.now = now,
                              .ready = replicas,
                              .queued = static_cast<double>(random() % 60),
                              .decode_rate = static_cast<double>(random() % 4000)};
      const std::int64_t next = scale(both(), sample, state).desired;
      ASSERT_GE(next, 1);
      ASSERT_LE(next, 8);
      if (next > replicas) last_up = now;
      if (next < replicas) {
        ASSERT_GE(now - last_up, 300) << "down within a window of an up, seed " << seed;
        ASSERT_EQ(next, replicas - 1);
      }
      replicas = next;
    }
  }
}

TEST(Autoscaler, WhatIsWrongWithASpec) {
  const auto review = [](const char* text) {
    Review out;
    (void)parse_autoscaling(Json::parse(text), out);
    return out;
  };
  EXPECT_TRUE(review(R"({"autoscaling":{"maxReplicas":2,"metrics":[{"type":"RequestQueue",
    "requestQueue":{"targetAverageQueueDepth":5}}]}})")
                  .allowed());
  EXPECT_EQ(
      review(R"({"autoscaling":{"maxReplicas":2,"metrics":[{"type":"GPU"}]}})").problems[0].field,
      "spec.autoscaling.metrics[0].type");
  EXPECT_EQ(
      review(R"({"autoscaling":{"minReplicas":3,"maxReplicas":2,"metrics":[{"type":"Throughput",
    "throughput":{"targetDecodeTokensPerSecond":5}}]}})")
          .problems[0]
          .field,
      "spec.autoscaling.maxReplicas");
  EXPECT_EQ(review(R"({"autoscaling":{"maxReplicas":2,"metrics":[{"type":"Throughput",
    "throughput":{"targetDecodeTokensPerSecond":0}}]}})")
                .problems.size(),
            1U);
  EXPECT_EQ(
      review(R"({"replicas":1,"autoscaling":{"maxReplicas":2,"scaleDownStabilizationSeconds":60,
    "metrics":[{"type":"Throughput","throughput":{"targetDecodeTokensPerSecond":5}}]}})")
          .warnings.size(),
      3U);
}

struct PoolRow {
  const char* name;
  std::int64_t a, b;  // demands
  std::int64_t a_min, b_min;
  std::int64_t a_none, b_none;  // allocations
  std::int64_t a_low, b_low;    // under pressure
  std::int64_t a_ready = 1;
};

TEST(Pool, TestTable) {
  const PoolRow rows[] = {
      {"both have enough", 2, 2, 1, 1, 2, 2, 2, 2},
      {"a loan", 1, 4, 1, 1, 1, 3, 1, 3},
      {"all of it", 4, 0, 1, 0, 4, 0, 4, 0},
      {"both want all", 4, 4, 1, 1, 2, 2, 3, 1},
      {"a loan goes back", 2, 4, 1, 1, 2, 2, 2, 2},
      {"all pods of a are lost", 4, 4, 1, 1, 2, 2, 3, 1, 0},
  };
  for (const PoolRow& row : rows) {
    std::vector<PoolService> services = {
        {.name = "a",
         .weight = 60,
         .priority = kHigh,
         .demand = row.a,
         .min_replicas = row.a_min,
         .ready = row.a_ready,
         .under_pressure = true},
        {.name = "b", .weight = 40, .demand = row.b, .min_replicas = row.b_min, .ready = 1}};
    const auto none = allocate(services, 4, Eviction::kNone);
    EXPECT_EQ(none[0].entitlement, 2) << row.name;
    EXPECT_EQ(none[1].entitlement, 2) << row.name;
    EXPECT_EQ(none[0].allocated, row.a_none) << row.name;
    EXPECT_EQ(none[1].allocated, row.b_none) << row.name;
    const auto low = allocate(services, 4, Eviction::kLowPriority);
    EXPECT_EQ(low[0].allocated, row.a_low) << row.name;
    EXPECT_EQ(low[1].allocated, row.b_low) << row.name;
    services[0].under_pressure = false;
    EXPECT_EQ(allocate(services, 4, Eviction::kLowPriority)[0].allocated, row.a_none) << row.name;
  }
}

TEST(Pool, TheLastReplicaGoesOnlyForAServiceWithNone) {
  std::vector<PoolService> services = {
      {.name = "a",
       .weight = 0,
       .priority = kHigh,
       .demand = 1,
       .ready = 0,
       .under_pressure = true},
      {.name = "b", .weight = 1, .demand = 1, .min_replicas = 1, .ready = 1}};
  EXPECT_EQ(allocate(services, 1, Eviction::kLowPriority)[0].allocated, 1);
  services[0].ready = 1;
  EXPECT_EQ(allocate(services, 1, Eviction::kLowPriority)[0].allocated, 0);
}

TEST(Pool, Entitlements) {
  const auto of = [](std::vector<PoolService> services, std::int64_t budget) {
    std::vector<std::int64_t> out;
    for (const PoolShare& share : allocate(services, budget, Eviction::kNone)) {
      out.push_back(share.entitlement);
    }
    return out;
  };
  using Shares = std::vector<std::int64_t>;
  EXPECT_EQ(of({{.name = "a", .weight = 60}, {.name = "b", .weight = 40}}, 10), (Shares{6, 4}));
  EXPECT_EQ(of({{.name = "a", .weight = 99}, {.name = "b", .weight = 1}}, 4), (Shares{3, 1}))
      << "who has a weight has one";
  EXPECT_EQ(of({{.name = "a", .weight = 1}, {.name = "b", .weight = 0}}, 4), (Shares{4, 0}));
  EXPECT_EQ(of({{.name = "a", .weight = 1, .gpus = 4}, {.name = "b", .weight = 1}}, 8),
            (Shares{1, 4}));
}

TEST(Pool, RandomPoolsKeepTheirBudget) {
  for (std::uint32_t seed = 0; seed < 500; ++seed) {
    std::mt19937 random(seed);
    std::vector<PoolService> services;
    for (int i = 0; i < static_cast<int>(1 + random() % 6); ++i) {
      services.push_back({.name = std::string(1, static_cast<char>('a' + i)),
                          .weight = static_cast<std::int64_t>(random() % 100),
                          .priority = random() % 2 ? kHigh : kNormal,
                          .gpus = static_cast<std::int64_t>(1 + random() % 4),
                          .demand = static_cast<std::int64_t>(random() % 8),
                          .min_replicas = static_cast<std::int64_t>(random() % 2),
                          .ready = static_cast<std::int64_t>(random() % 2),
                          .under_pressure = random() % 2 == 0});
    }
    const auto budget = static_cast<std::int64_t>(random() % 20);
    for (const Eviction policy : {Eviction::kNone, Eviction::kFair, Eviction::kLowPriority}) {
      const auto shares = allocate(services, budget, policy);
      std::int64_t used = 0;
      std::int64_t entitled = 0;
      for (std::size_t i = 0; i < shares.size(); ++i) {
        used += shares[i].allocated * services[i].gpus;
        entitled += shares[i].entitlement * services[i].gpus;
        EXPECT_LE(shares[i].allocated, services[i].demand);
        EXPECT_GE(shares[i].allocated, 0);
        EXPECT_EQ(shares[i].unmet, services[i].demand - shares[i].allocated);
        if (policy != Eviction::kLowPriority) {
          EXPECT_GE(shares[i].allocated, std::min(services[i].demand, shares[i].entitlement));
        }
      }
      EXPECT_LE(used, budget) << "seed " << seed;
      EXPECT_LE(entitled, budget) << "seed " << seed;
      for (std::size_t i = 0; i < shares.size(); ++i) {
        EXPECT_TRUE(shares[i].unmet == 0 || services[i].gpus > budget - used)
            << "what is free is lent, seed " << seed;
      }
    }
  }
}

ModelShape shape(std::int64_t layers, std::int64_t heads, std::int64_t kv_heads, double weight_gb,
                 Family family = Family::kOther) {
  return {.weight_bytes = static_cast<std::int64_t>(weight_gb * 1e9),
          .layers = layers,
          .heads = heads,
          .kv_heads = kv_heads,
          .head_dim = 128,
          .max_positions = 131072,
          .family = family};
}

TEST(Memory, KvBytesPerToken) {
  EXPECT_EQ(kv_bytes_per_token(shape(32, 32, 8, 16), {}), 131'072) << "Llama 3.1 8B";
  EXPECT_EQ(kv_bytes_per_token(shape(80, 64, 8, 141), {}), 327'680) << "Llama 3.1 70B";
  EXPECT_EQ(kv_bytes_per_token(shape(40, 40, 40, 26), {}), 819'200) << "Llama 2 13B";
  EXPECT_EQ(kv_bytes_per_token(shape(64, 64, 8, 65), {}), 262'144) << "Qwen3 32B";
  EXPECT_EQ(kv_bytes_per_token(shape(80, 64, 8, 141), {.tensor = 4}), 81'920);
  EXPECT_EQ(kv_bytes_per_token(shape(80, 64, 8, 141), {.tensor = 16}), 40'960) << "one head each";
  ModelShape latent = shape(61, 128, 128, 700);
  latent.kv_latent = 576;
  EXPECT_EQ(kv_bytes_per_token(latent, {.tensor = 8}), 61 * 576 * 2) << "not divided";
}

TEST(Memory, SeventyAndThirteenOnOneDeviceAreRefusedTermByTerm) {
  const auto big = memory_of(shape(80, 64, 8, 35), {.max_model_len = 8192});
  const auto small = memory_of(shape(40, 40, 40, 26), {.max_model_len = 4096});
  ASSERT_TRUE(big.ok() && small.ok());
  const auto device = static_cast<std::int64_t>(80e9);
  const Status refused = check_device({{"llama-70b", *big}, {"llama-13b", *small}}, device);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(
      refused.message(),
      "73.74 GiB are needed of 67.06 GiB (90 % of a 74.51 GiB device), 6.68 GiB too much: "
      "llama-70b 40.75 (weights 32.60, KV minimum 2.50, activation 5.50, context 0.15, graphs "
      "0.00); "
      "llama-13b 32.99 (weights 24.21, KV minimum 3.12, activation 5.50, context 0.15, graphs "
      "0.00)");
  EXPECT_TRUE(check_device({{"llama-70b", *big}}, device).ok());
  const auto declared = [](const char* name, double gb) {
    return Tenant{name, {}, static_cast<std::int64_t>(gb * 1e9)};
  };
  EXPECT_TRUE(check_device({declared("a", 40), declared("b", 28)}, device).ok())
      << "as whole footprints they fit";
}

TEST(Memory, ShapesFromConfigs) {
  const auto parsed = parse_shape(Json::parse(R"({"model_type":"llama","num_hidden_layers":32,
    "num_attention_heads":32,"num_key_value_heads":8,"hidden_size":4096,
    "max_position_embeddings":131072})"),
                                  static_cast<std::int64_t>(16e9));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->head_dim, 128);
  EXPECT_EQ(parsed->family, Family::kLlama);
  const auto terms = memory_of(*parsed, {.max_model_len = 8192});
  EXPECT_NEAR(static_cast<double>(terms->kv_minimum) / kGiB, 1.0, 0.001);
  EXPECT_FALSE(parse_shape(Json::parse("{}"), 1).ok());
  EXPECT_FALSE(parse_shape(Json::parse(R"({"num_hidden_layers":1e30})"), 1).ok());
  EXPECT_FALSE(memory_of(*parsed, {.tensor = 3}).ok()) << "3 is no divisor of 32 heads";
  EXPECT_FALSE(memory_of(*parsed, {.tensor = 0}).ok());
}

TEST(Admission, ServicesAndPools) {
  const auto first = [](const Review& review) {
    return review.problems.empty() ? std::string("ok") : review.problems[0].field;
  };
  const auto service = [&](const char* spec) {
    return first(review_service({{"spec", Json::parse(spec)}}));
  };
  EXPECT_EQ(service(R"({"model":{"id":"a/b"}})"), "ok");
  EXPECT_EQ(service("{}"), "spec.model.id");
  EXPECT_EQ(service(R"({"model":{"id":"a","source":{"type":"Ftp"}}})"), "spec.model.source.type");
  EXPECT_EQ(service(R"({"model":{"id":"a","source":{"type":"S3"}}})"), "spec.model.source.uri");
  EXPECT_EQ(service(R"({"model":{"id":"a"},"resources":{"vram":"much"}})"), "spec.resources.vram");
  EXPECT_EQ(first(review_service({{"metadata", {{"name", std::string(64, 'n')}}},
                                  {"spec", {{"model", {{"id", "a"}}}}}})),
            "metadata.name");
  EXPECT_EQ(review_service({{"spec", {{"model", {{"id", "a"}}}, {"color", 1}}}}).warnings.size(),
            1U);
  const auto pool = [&](const char* spec) {
    return first(review_pool({{"spec", Json::parse(spec)}}));
  };
  EXPECT_EQ(pool(R"({"services":[{"name":"a","weight":60,"priority":"high"}],
    "resourcePolicy":{"gpuBudget":"4","evictionPolicy":"LowPriority"}})"),
            "ok");
  EXPECT_EQ(pool("{}"), "spec.services");
  EXPECT_EQ(pool(R"({"services":[{"name":"a"},{"name":"a"}]})"), "spec.services[1].name");
  EXPECT_EQ(pool(R"({"services":[{"name":"a","weight":1001}]})"), "spec.services[0].weight");
  EXPECT_EQ(pool(R"({"services":[{"name":"a","priority":"top"}]})"), "spec.services[0].priority");
  EXPECT_EQ(pool(R"({"services":[{"name":"a"}],"resourcePolicy":{"gpuBudget":"1.5"}})"),
            "spec.resourcePolicy.gpuBudget");
  EXPECT_EQ(pool(R"({"services":[{"name":"a"}],"resourcePolicy":{"evictionPolicy":"All"}})"),
            "spec.resourcePolicy.evictionPolicy");
}

}  // namespace
}  // namespace nacelle::control::llmd
