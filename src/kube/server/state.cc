#include "kube/server/state.h"

#include <chrono>
#include <random>

#include <fmt/format.h>

namespace nacelle::kube::server {
namespace {

std::mt19937_64& random_source() {
  thread_local std::mt19937_64 source = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return source;
}

}  // namespace

std::int64_t State::now_s() const {
  if (options.wall_clock) return options.wall_clock();
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::set<std::string> State::names_of_sources() const {
  std::set<std::string> out;
  for (const auto& [collection, source] : options.sources) out.insert(collection);
  return out;
}

std::string new_uid() {
  std::uint64_t high = random_source()();
  std::uint64_t low = random_source()();
  high = (high & ~std::uint64_t{0xf000}) | 0x4000;
  low = (low & ~(std::uint64_t{3} << 62)) | (std::uint64_t{1} << 63);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffff);
}

std::string new_suffix() {
  // No vowels, so that no words come out.
  constexpr std::string_view kSymbols = "bcdfghjklmnpqrstvwxz2456789";
  std::string out;
  for (int i = 0; i < 5; ++i) out += kSymbols[random_source()() % kSymbols.size()];
  return out;
}

std::string new_cluster_ip(State& state) {
  std::set<std::string, std::less<>> taken;
  if (const auto services = state.store->list("services", {}); services.ok()) {
    for (const ObjectPtr& one : services->items) {
      taken.emplace(text_at(one->json, {"spec", "clusterIP"}));
    }
  }
  return state.service_addresses->next(taken);
}

std::string default_storage_class(const State& state) {
  const auto classes = state.store->list("storageclasses.storage.k8s.io", {});
  if (!classes.ok()) return {};
  for (const ObjectPtr& one : classes->items) {
    if (text_at(one->json, {"metadata", "annotations",
                            "storageclass.kubernetes.io/is-default-class"}) == "true") {
      return std::string(text_at(one->json, {"metadata", "name"}));
    }
  }
  return {};
}

}  // namespace nacelle::kube::server
