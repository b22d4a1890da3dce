// cluster_picker.h: chooses among the endpoints of a plain service.
//
// Least-request compares two random endpoints (the power of two choices); round robin, random and
// a hash ring are there, too. Ejected and unhealthy endpoints are passed over, unless so many are
// out that all are used (panic).
//
// Home:    thread-safe. shared_ptr: places keep it alive.
// Cost:    least-request looks at two endpoints; the others at one; all at every endpoint when the
//          first ones are out or were tried.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "gateway/picker.h"
#include "gateway/upstream/outlier.h"

namespace nacelle::gateway {

class ClusterPicker final : public EndpointPicker,
                            public std::enable_shared_from_this<ClusterPicker> {
 public:
  using Random = std::function<std::uint64_t()>;
  using Now = std::function<TimePoint()>;

  // `random` and `now` are called on the picking thread.
  ClusterPicker(const ClusterConfig& config, Random random = {}, Now now = {});

  [[nodiscard]] Result<std::unique_ptr<PickedEndpoint>> pick(
      const PickRequest& request, std::span<const std::string> tried) override;
  [[nodiscard]] bool any_serving() const override;
  [[nodiscard]] std::string describe() const override;

  // What an active health check found. Any thread.
  void set_healthy(std::size_t endpoint, bool healthy);
  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }
  [[nodiscard]] std::uint64_t ejections() const { return outliers_.ejections(); }

 private:
  friend class ClusterPlace;
  struct Load {
    std::atomic<std::uint32_t> active{0};
    std::atomic<bool> healthy{true};
  };
  struct RingPoint {
    std::uint64_t hash;
    std::uint32_t endpoint;
  };

  [[nodiscard]] bool serving(std::size_t endpoint, TimePoint now) const;
  // The endpoint for this request among those that `usable` allows; nullopt when there is none.
  template <class Usable>
  std::optional<std::size_t> choose(const PickRequest& request, const Usable& usable);

  const TrafficConfig traffic_;
  const std::vector<std::string> addresses_;
  std::vector<std::string> sessions_;  // session_of() by endpoint
  std::vector<Load> loads_;
  std::vector<RingPoint> ring_;
  OutlierDetector outliers_;
  std::atomic<std::uint64_t> turn_{0};
  Random random_;
  Now now_;
};

}  // namespace nacelle::gateway
