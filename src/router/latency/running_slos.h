// running_slos.h: the strictest TPOT SLO of the requests that run on each endpoint.
//
// A request that joins a batch slows all of it, so an endpoint's TPOT headroom is measured against
// the strictest of them.
//
// Home:    thread-safe; one leaf lock.
// Bounds:  one entry per running request that asked for an SLO.
#pragma once

#include <cstddef>
#include <mutex>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "router/endpoint.h"

namespace nacelle::router::latency {

class RunningSlos {
 public:
  // A running request's entry; taken back on destruction.
  class Entry {
   public:
    Entry() = default;
    Entry(RunningSlos& slos, EndpointId endpoint, double seconds)
        : slos_(&slos), endpoint_(endpoint), seconds_(seconds) {}
    Entry(Entry&& other) noexcept
        : slos_(std::exchange(other.slos_, nullptr)),
          endpoint_(other.endpoint_),
          seconds_(other.seconds_) {}
    Entry& operator=(Entry&& other) noexcept {
      if (this != &other) {
        release();
        slos_ = std::exchange(other.slos_, nullptr);
        endpoint_ = other.endpoint_;
        seconds_ = other.seconds_;
      }
      return *this;
    }
    ~Entry() { release(); }

    void release() {
      if (slos_ != nullptr) std::exchange(slos_, nullptr)->remove(endpoint_, seconds_);
    }

   private:
    RunningSlos* slos_ = nullptr;
    EndpointId endpoint_;
    double seconds_ = 0;
  };

  // Nothing to remember for a request without an SLO (0).
  [[nodiscard]] Entry add(EndpointId endpoint, double tpot_slo_seconds) {
    if (!(tpot_slo_seconds > 0)) return {};
    std::lock_guard lock(mutex_);
    if (by_endpoint_.size() <= endpoint.value) by_endpoint_.resize(endpoint.value + 1);
    by_endpoint_[endpoint.value].insert(tpot_slo_seconds);
    return {*this, endpoint, tpot_slo_seconds};
  }

  // out[i] belongs to endpoints[i]; 0 where no running request asked for one.
  void strictest(std::span<const EndpointId> endpoints, std::span<double> out) const {
    std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
      const std::size_t id = endpoints[i].value;
      const bool any = id < by_endpoint_.size() && !by_endpoint_[id].empty();
      out[i] = any ? *by_endpoint_[id].begin() : 0;
    }
  }

 private:
  void remove(EndpointId endpoint, double seconds) {
    std::lock_guard lock(mutex_);
    auto& running = by_endpoint_.at(endpoint.value);
    running.erase(running.find(seconds));
  }

  mutable std::mutex mutex_;
  std::vector<std::multiset<double>> by_endpoint_;  // guarded; ids are small and reused
};

}  // namespace nacelle::router::latency
