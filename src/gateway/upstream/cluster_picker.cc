#include "gateway/upstream/cluster_picker.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "gateway/upstream/hash.h"
#include "telemetry/log.h"

namespace nacelle::gateway {
namespace {

constexpr std::uint32_t kPointsPerEndpoint = 128;

std::uint64_t thread_random() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return random();
}

}  // namespace

std::string session_of(std::string_view address) {
  return fmt::format("{:016x}", stable_hash(address, 0x5e551017));
}

async::Task<Result<std::unique_ptr<PickTicket>>> EndpointPicker::wait_for_ticket(
    PickRequest request, net::http::ServerExchange& exchange) {
  (void)request, (void)exchange;
  co_return internal("this picker has no tickets");
}

// A request on one endpoint.
class ClusterPlace final : public PickedEndpoint {
 public:
  ClusterPlace(std::shared_ptr<ClusterPicker> picker, std::size_t endpoint)
      : picker_(std::move(picker)), endpoint_(endpoint) {
    picker_->loads_[endpoint_].active.fetch_add(1, std::memory_order_relaxed);
  }
  ~ClusterPlace() override {
    picker_->loads_[endpoint_].active.fetch_sub(1, std::memory_order_relaxed);
  }
  [[nodiscard]] const std::string& address() const override {
    return picker_->addresses_[endpoint_];
  }
  void on_first_byte() override {}
  void on_failure() override { on_status(0); }
  void on_status(int status) override {
    if (picker_->outliers_.on_result(endpoint_, status, picker_->now_())) {
      log::warn("endpoint ejected after errors in a row", {{"endpoint", address()}});
    }
  }

 private:
  std::shared_ptr<ClusterPicker> picker_;
  std::size_t endpoint_;
};

ClusterPicker::ClusterPicker(const ClusterConfig& config, Random random, Now now)
    : traffic_(config.traffic),
      addresses_(config.endpoints),
      loads_(config.endpoints.size()),
      outliers_(config.traffic.outlier, config.endpoints.size()),
      random_(random ? std::move(random) : Random(thread_random)),
      now_(now ? std::move(now) : Now(std::chrono::steady_clock::now)) {
  for (std::uint32_t i = 0; i < addresses_.size(); ++i) {
    sessions_.push_back(session_of(addresses_[i]));
    if (traffic_.balance != TrafficConfig::Balance::kRingHash) continue;
    for (std::uint32_t point = 0; point < kPointsPerEndpoint; ++point)
      ring_.push_back({stable_hash(addresses_[i], point), i});
  }
  std::sort(ring_.begin(), ring_.end(),
            [](const RingPoint& a, const RingPoint& b) { return a.hash < b.hash; });
}

bool ClusterPicker::serving(std::size_t endpoint, TimePoint now) const {
  return loads_[endpoint].healthy.load(std::memory_order_relaxed) &&
         !outliers_.ejected(endpoint, now);
}

template <class Usable>
std::optional<std::size_t> ClusterPicker::choose(const PickRequest& request, const Usable& usable) {
  const std::size_t count = addresses_.size();
  const auto load = [this](std::size_t i) {
    return loads_[i].active.load(std::memory_order_relaxed);
  };
  std::size_t first = 0;
  switch (traffic_.balance) {
    case TrafficConfig::Balance::kLeastRequest: {
      if (count == 1) break;
      const std::uint64_t random = random_();
      const std::size_t a = static_cast<std::uint32_t>(random) % count;
      const std::size_t b = (a + 1 + (random >> 32) % (count - 1)) % count;
      const std::size_t lighter = load(b) < load(a) ? b : a, heavier = lighter == a ? b : a;
      if (usable(lighter)) return lighter;
      if (usable(heavier)) return heavier;
      // Both are out: the lightest of the rest, beginning anywhere.
      std::optional<std::size_t> best;
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t one = (a + i) % count;
        if (usable(one) && (!best || load(one) < load(*best))) best = one;
      }
      return best;
    }
    case TrafficConfig::Balance::kRoundRobin:
      first = turn_.fetch_add(1, std::memory_order_relaxed) % count;
      break;
    case TrafficConfig::Balance::kRandom:
      first = random_() % count;
      break;
    case TrafficConfig::Balance::kRingHash: {
      const auto start = std::lower_bound(
          ring_.begin(), ring_.end(), request.hash,
          [](const RingPoint& point, std::uint64_t hash) { return point.hash < hash; });
      for (std::size_t i = 0; i < ring_.size(); ++i) {
        const auto index = static_cast<std::size_t>(start - ring_.begin()) + i;
        const std::size_t endpoint = ring_[index % ring_.size()].endpoint;
        if (usable(endpoint)) return endpoint;
      }
      return std::nullopt;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (usable((first + i) % count)) return (first + i) % count;
  }
  return std::nullopt;
}

Result<std::unique_ptr<PickedEndpoint>> ClusterPicker::pick(const PickRequest& request,
                                                            std::span<const std::string> tried) {
  if (addresses_.empty()) return unavailable("the service has no endpoints");
  const TimePoint now = now_();
  const auto untried = [&](std::size_t i) {
    return tried.empty() || std::find(tried.begin(), tried.end(), addresses_[i]) == tried.end();
  };
  const auto usable = [&](std::size_t i) { return untried(i) && serving(i, now); };
  std::optional<std::size_t> chosen;
  if (!request.session.empty()) {
    const auto same = std::find(sessions_.begin(), sessions_.end(), request.session);
    const auto index = static_cast<std::size_t>(same - sessions_.begin());
    if (same != sessions_.end() && usable(index)) chosen = index;
  }
  if (!chosen) chosen = choose(request, usable);
  if (!chosen) {
    // Nobody is believed to serve. When too many are out, that belief is at fault: ask anyone.
    std::size_t healthy = 0;
    for (std::size_t i = 0; i < addresses_.size(); ++i) healthy += serving(i, now) ? 1 : 0;
    const std::uint32_t panic = traffic_.outlier ? traffic_.outlier->panic_percent : 0;
    if (healthy * 100 < std::size_t{panic} * addresses_.size()) chosen = choose(request, untried);
  }
  if (!chosen) return unavailable("no endpoint of the service is left to try");
  return std::unique_ptr<PickedEndpoint>(
      std::make_unique<ClusterPlace>(shared_from_this(), *chosen));
}

bool ClusterPicker::any_serving() const {
  const TimePoint now = now_();
  for (std::size_t i = 0; i < addresses_.size(); ++i)
    if (serving(i, now)) return true;
  return false;
}

std::string ClusterPicker::describe() const {
  nlohmann::json list = nlohmann::json::array();
  const TimePoint now = now_();
  for (std::size_t i = 0; i < addresses_.size(); ++i) {
    list.push_back({{"address", addresses_[i]},
                    {"healthy", loads_[i].healthy.load()},
                    {"ejected", outliers_.ejected(i, now)},
                    {"requests", loads_[i].active.load()}});
  }
  return list.dump() + "\n";
}

void ClusterPicker::set_healthy(std::size_t endpoint, bool healthy) {
  if (loads_[endpoint].healthy.exchange(healthy) == healthy) return;
  log::info(healthy ? "endpoint is healthy again" : "endpoint failed its health check",
            {{"endpoint", addresses_[endpoint]}});
}

}  // namespace nacelle::gateway
