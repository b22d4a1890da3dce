#include "apps/nacelle/router_picker.h"

#include <algorithm>
#include <random>

#include "apps/nacelle/answer_meter.h"
#include "gateway/config/model.h"
#include "router/request_terms.h"

namespace nacelle::apps {
namespace {

class Picked final : public gateway::PickedEndpoint {
 public:
  Picked(router::Placement placement, router::EndpointPool& pool, AnswerTally& tally,
         Ticket* ticket)
      : placement_(std::move(placement)), pool_(pool), answer_(tally) {
    router::flow::Admission* admission = ticket == nullptr ? nullptr : &ticket->admission;
    if (placement_.observer() != nullptr || admission != nullptr)
      meter_ = std::make_unique<AnswerMeter>(placement_.observer(), admission);
  }

  [[nodiscard]] const std::string& address() const override { return placement_.address(); }
  void edit_request(net::http::Headers& headers) const override {
    for (const std::string& name : placement_.remove_headers()) headers.remove(name);
    for (const auto& header : placement_.set_headers()) headers.set(header.name, header.value);
  }
  void edit_answer(net::http::Headers& headers) const override {
    for (const auto& header : placement_.response_headers()) headers.set(header.name, header.value);
  }
  void on_first_byte() override { placement_.on_first_byte(); }
  void on_piece(std::string_view piece) override {
    if (meter_) meter_->on_piece(piece, std::chrono::steady_clock::now());
  }
  void on_complete() override {
    if (meter_) meter_->on_complete(std::chrono::steady_clock::now());
  }
  void on_status(int status) override {
    answer_.on_status(status);
    if (meter_) meter_->on_status(status);
  }
  void on_failure() override {
    answer_.on_failure();
    pool_.mark_failed(placement_.id());
  }

 private:
  router::Placement placement_;
  router::EndpointPool& pool_;
  TalliedAnswer answer_;
  std::unique_ptr<AnswerMeter> meter_;  // null where nobody wants to know of the answer
};

bool contains(std::span<const std::string> list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// The address of the endpoint that the client came from; "" when it does not serve any more.
std::string session_address(const router::PoolSnapshot& pool, std::string_view session,
                            std::span<const std::string> tried) {
  for (const router::EndpointSnapshot& endpoint : pool.endpoints) {
    if (!endpoint.serving || gateway::session_of(endpoint.address) != session) continue;
    return contains(tried, endpoint.address) ? std::string() : endpoint.address;
  }
  return {};
}

// Reused between the picks of a loop.
struct Scratch {
  std::vector<router::HeaderView> headers;
  std::vector<std::uint64_t> hashes;
  std::vector<router::EndpointId> excluded;
  std::mt19937_64 random{std::random_device{}()};
};

}  // namespace

async::Task<Result<std::unique_ptr<gateway::PickTicket>>> RouterPicker::wait_for_ticket(
    gateway::PickRequest request, net::http::ServerExchange& exchange) {
  if (wake_room_ != nullptr && wake_room_->asleep()) {
    note_request(std::chrono::steady_clock::now());  // or it would seem idle when it has woken
    Status woken = co_await wake_room_->wait(request.deadline, exchange);
    if (!woken.ok()) {
      if (woken.code() != Code::kCancelled) tally_.failed();
      if (request.refusal != nullptr) *request.refusal = {503, woken.message(), ""};
      co_return woken;
    }
  }
  if (!office_.open()) co_return std::make_unique<Ticket>();
  co_return co_await take_ticket(office_, request, exchange);
}

bool RouterPicker::replace_endpoints(const gateway::ClusterConfig& cluster) {
  std::vector<router::FileEndpoint> endpoints;
  for (const std::string& address : cluster.endpoints) {
    router::FileEndpoint endpoint{.name = address, .address = address};
    if (const auto found = cluster.labels.find(address); found != cluster.labels.end()) {
      for (const auto& [key, value] : found->second) endpoint.labels.emplace_back(key, value);
    }
    endpoints.push_back(std::move(endpoint));
  }
  std::function<void()> published;
  if (wake_room_ != nullptr) {
    // Those who wait go on when their picks find an endpoint.
    published = [room = wake_room_, asleep = endpoints.empty()] { room->set_asleep(asleep); };
  }
  pool_.set_endpoints(endpoints, std::move(published));
  return true;
}

Result<std::unique_ptr<gateway::PickedEndpoint>> RouterPicker::pick(
    const gateway::PickRequest& request, std::span<const std::string> tried) {
  thread_local Scratch scratch;
  auto* ticket = static_cast<Ticket*>(request.ticket);
  scratch.headers.clear();
  if (request.headers != nullptr) {
    for (const auto& field : *request.headers) scratch.headers.push_back({field.name, field.value});
  }
  router::RequestTerms terms;
  terms.headers = scratch.headers;
  terms.facts = router::objective::request_facts_from_headers(scratch.headers);
  terms.model = request.model;
  terms.cache_salt = request.cache_salt;
  terms.prompt = request.prompt;
  terms.max_output_tokens = request.max_output_tokens;
  if (ticket != nullptr) {
    if (!ticket->target.empty()) terms.model = ticket->target;
    terms.priority = ticket->priority;
    if (ticket->tokens) terms.tokens = &*ticket->tokens;
  }
  router::RoutingRequest routing = router::routing_request_of(terms, router_.prefix_hash_options(),
                                                              scratch.random(), scratch.hashes);
  scratch.excluded.clear();
  std::string session;
  if (!tried.empty() || !request.session.empty()) {
    const router::PoolSnapshotPtr pool = router_.pool();
    for (const router::EndpointSnapshot& endpoint : pool->endpoints) {
      if (contains(tried, endpoint.address)) scratch.excluded.push_back(endpoint.id);
    }
    if (!request.session.empty()) session = session_address(*pool, request.session, tried);
  }
  routing.excluded = scratch.excluded;
  const TimePoint now = std::chrono::steady_clock::now();
  note_request(now);
  if (tried.empty()) tally_.arrived();
  router::Refusal refusal;
  // A session's own endpoint first; the pool when that one may not be had.
  const std::string_view only[] = {session};
  if (!session.empty()) routing.subset = only;
  auto placement = router_.pick(routing, now, refusal);
  if (!placement && !session.empty()) {
    routing.subset = {};
    placement = router_.pick(routing, now, refusal);
  }
  if (!placement) {
    // Busy endpoints refuse with 429; missing ones are a failure of the pool's.
    if (refusal.http_status >= 500) tally_.failed();
    if (request.refusal != nullptr)
      *request.refusal = {refusal.http_status, refusal.status.message(),
                          std::string(refusal.reason)};
    return placement.error();
  }
  if (ticket != nullptr) ticket->admission.placed();
  return std::unique_ptr<gateway::PickedEndpoint>(
      std::make_unique<Picked>(std::move(*placement), pool_, tally_, ticket));
}

}  // namespace nacelle::apps
