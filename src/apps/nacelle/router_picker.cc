#include "apps/nacelle/router_picker.h"

#include <algorithm>

#include "router/prefix_hash.h"

namespace nacelle::apps {
namespace {

class Picked final : public gateway::PickedEndpoint {
 public:
  Picked(router::Placement placement, router::EndpointPool& pool)
      : placement_(std::move(placement)), pool_(pool) {}

  [[nodiscard]] const std::string& address() const override { return placement_.address(); }
  void on_first_byte() override { placement_.on_first_byte(); }
  void on_failure() override { pool_.mark_failed(placement_.id()); }

 private:
  router::Placement placement_;
  router::EndpointPool& pool_;
};

}  // namespace

Result<std::unique_ptr<gateway::PickedEndpoint>> RouterPicker::pick(
    const gateway::PickRequest& request, std::span<const std::string> tried) {
  thread_local std::vector<std::uint64_t> hashes;
  thread_local std::mt19937_64 random{std::random_device{}()};
  const router::PrefixHashOptions options = router_.prefix_hash_options();
  hashes.clear();
  router::append_text_prefix_hashes(router::prefix_seed(request.model, request.cache_salt),
                                    request.prompt, options, hashes);
  std::vector<router::EndpointId> excluded;
  if (!tried.empty()) {
    for (const router::EndpointSnapshot& endpoint : router_.pool()->endpoints) {
      if (std::find(tried.begin(), tried.end(), endpoint.address) != tried.end()) {
        excluded.push_back(endpoint.id);
      }
    }
  }
  router::RoutingRequest routing;
  routing.block_hashes = hashes;
  routing.model = request.model;
  routing.block_size_tokens = options.block_size_tokens;
  routing.prompt_tokens = router::estimated_tokens(request.prompt);
  routing.excluded = excluded;
  routing.random = random();
  ASSIGN_OR_RETURN(router::Placement placement,
                   router_.pick(routing, std::chrono::steady_clock::now()));
  return std::unique_ptr<gateway::PickedEndpoint>(
      std::make_unique<Picked>(std::move(placement), pool_));
}

}  // namespace nacelle::apps
