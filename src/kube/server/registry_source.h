// registry_source.h: the kinds that are served now: those built in and those of the CRDs stored.
//
// Home:    any thread; refresh() by one thread at a time is ensured inside.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "kube/schema/crd.h"
#include "kube/schema/kind.h"
#include "kube/store.h"

namespace nacelle::kube::server {

inline constexpr const char* kCrdCollection = "customresourcedefinitions.apiextensions.k8s.io";

// By collection ("plural.group"): conversions that need more than another apiVersion.
using Converters = std::map<std::string, schema::Converter, std::less<>>;

class RegistrySource {
 public:
  // `computed`: collections of computed kinds that have a source.
  RegistrySource(Converters converters, std::set<std::string> computed)
      : converters_(std::move(converters)), computed_(std::move(computed)) {}

  [[nodiscard]] std::shared_ptr<const schema::Registry> current() const;
  // Reads the CRDs of the store; those that did not change since the last time are kept.
  void refresh(const Store& store);

  // Which name of this CRD another one has in its group.
  [[nodiscard]] static schema::NameClash clash(const Json& crd, const Store& store);

 private:
  struct Known {
    std::uint64_t revision = 0;
    std::vector<schema::KindPtr> kinds;
  };

  const Converters converters_;
  const std::set<std::string> computed_;
  std::mutex refresh_mutex_;
  std::map<std::string, Known> known_;  // by the CRD's name; with refresh_mutex_
  mutable std::mutex mutex_;
  std::shared_ptr<const schema::Registry> current_;
};

}  // namespace nacelle::kube::server
