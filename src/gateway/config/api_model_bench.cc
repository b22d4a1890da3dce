// What one changed route costs beside many services: the model of everything, its snapshot, and the
// statuses that may differ; and what each of them costs from nothing, as at the first list.
#include <benchmark/benchmark.h>

#include "gateway/config/api_status.h"
#include "gateway/snapshot.h"
#include "gateway/testing/fleet_objects.h"
#include "gateway/upstream/cluster_picker.h"

namespace nacelle::gateway {
namespace {

using namespace testing;  // NOLINT: the fleet's words

struct Fleet {
  explicit Fleet(std::int64_t services) {
    objects.push_back(fleet_gateway());
    for (std::int64_t i = 0; i < services; ++i) {
      const std::string name = fmt::format("model-{}", i);
      for (ApiObject& object : fleet_objects(name)) objects.push_back(std::move(object));
      for (int pod = 0; pod < 2; ++pod) pods.push_back(fleet_pod(name, pod));
    }
  }
  // The route of the first service, as if its author had written it again.
  void change(int edition) { objects[1] = fleet_route("model-0", 1 + edition % 2); }

  std::vector<ApiObject> objects, pods;
};

Result<std::shared_ptr<EndpointPicker>> make_picker(const ClusterConfig& config) {
  return std::shared_ptr<EndpointPicker>(std::make_shared<ClusterPicker>(config));
}

struct Gateway {
  telemetry::Metrics registry;
  GatewayMetrics metrics{registry};
  std::shared_ptr<Snapshot> snapshot;

  void apply(GatewayModel model) {
    auto next = make_snapshot(std::move(model), make_picker, metrics, snapshot.get());
    if (next.ok()) snapshot = std::move(*next);
  }
};

void one_route_changes_model(benchmark::State& state) {
  Fleet fleet(state.range(0));
  ApiReader reader;
  (void)reader.model(fleet.objects, fleet.pods, Settings());
  int edition = 0;
  for (auto _ : state) {
    fleet.change(++edition);
    benchmark::DoNotOptimize(reader.model(fleet.objects, fleet.pods, Settings()));
  }
}
BENCHMARK(one_route_changes_model)->Arg(10)->Arg(300)->Arg(1000)->Unit(benchmark::kMicrosecond);

void one_route_changes_snapshot(benchmark::State& state) {
  Fleet fleet(state.range(0));
  ApiReader reader;
  Gateway gateway;
  gateway.apply(reader.model(fleet.objects, fleet.pods, Settings()).model);
  int edition = 0;
  for (auto _ : state) {
    state.PauseTiming();
    fleet.change(++edition);
    GatewayModel model = reader.model(fleet.objects, fleet.pods, Settings()).model;
    state.ResumeTiming();
    gateway.apply(std::move(model));
  }
}
BENCHMARK(one_route_changes_snapshot)->Arg(10)->Arg(300)->Arg(1000)->Unit(benchmark::kMicrosecond);

// As an API has them after the first round: with the statuses that were told.
void tell_all(Fleet& fleet, const CompileReport& report) {
  const StatusFacts facts{
      .report = report, .in_force = {}, .addresses = {"127.0.0.1"}, .now = "2026-01-01T00:00:00Z"};
  for (const StatusWrite& write : statuses_of(fleet.objects, facts)) {
    for (ApiObject& object : fleet.objects) {
      if (object != write.object) continue;
      nlohmann::json told = *object;
      told["status"] = write.status;
      object = shared(std::move(told));
    }
  }
}

void one_route_changes_statuses(benchmark::State& state) {
  Fleet fleet(state.range(0));
  const CompileReport report = ApiReader().model(fleet.objects, fleet.pods, Settings()).report;
  tell_all(fleet, report);
  const StatusFacts facts{
      .report = report, .in_force = {}, .addresses = {"127.0.0.1"}, .now = "2026-01-01T00:00:01Z"};
  StatusTeller teller;
  (void)teller.differing(fleet.objects, facts);
  int edition = 0;
  for (auto _ : state) {
    fleet.change(++edition);
    benchmark::DoNotOptimize(teller.differing(fleet.objects, facts));
  }
}
BENCHMARK(one_route_changes_statuses)->Arg(10)->Arg(300)->Arg(1000)->Unit(benchmark::kMicrosecond);

void everything_from_nothing(benchmark::State& state) {
  const Fleet fleet(state.range(0));
  for (auto _ : state) {
    Gateway gateway;
    gateway.apply(model_of_api(fleet.objects, fleet.pods, Settings()).model);
    benchmark::DoNotOptimize(gateway.snapshot);
  }
}
BENCHMARK(everything_from_nothing)->Arg(10)->Arg(300)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace nacelle::gateway
