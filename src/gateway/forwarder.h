// forwarder.h: takes one request to an endpoint and the answer back.
//
// Steps: route -> filters that answer themselves (redirect, CORS) -> body -> extension -> attempts.
//
// A held body costs memory and buys attempts: an endpoint that dies before the first byte of its
// answer costs the client nothing. Bodies that nothing looks at pass through as they come, and
// answers pass piece by piece as fast as the client reads; only whole answers of pools are
// collected first, up to kMaxHeldAnswer, so that an engine's death within one can still be made
// good.
//
// Home:    one network loop; one per loop.
// Errors:  in the client's dialect (local_reply.h). An event stream that breaks off ends with an
//          error event and [DONE].
// Bounds:  GatewayLimits; all held bodies and answers count against the byte budget.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "async/task.h"
#include "gateway/byte_budget.h"
#include "gateway/forward/request.h"
#include "gateway/gateway_metrics.h"
#include "gateway/request_inspector.h"
#include "gateway/snapshot.h"
#include "gateway/spare_bodies.h"
#include "net/http/client.h"
#include "net/http/server_exchange.h"
#include "tracing/span_exporter.h"

namespace nacelle::gateway {

class StreamJournal;

// What all loops share. Mirrored requests keep it, too.
struct GatewayShared {
  explicit GatewayShared(telemetry::Metrics& metrics) : metrics(metrics) {}
  GatewayMetrics metrics;
  ByteBudget held_bytes{std::size_t{1} << 30};
  std::atomic<std::uint32_t> requests{0};  // in hand
  std::atomic<bool> draining{false};
  tracing::SpanExporter* spans = nullptr;  // may be null
};

class Forwarder {
 public:
  static constexpr std::size_t kMaxHeldAnswer = std::size_t{8} << 20;
  static constexpr std::size_t kMaxRetriedAnswer = std::size_t{256} << 10;
  static constexpr std::uint32_t kMaxMirrors = 256;  // in flight per loop

  Forwarder(async::Loop& loop, std::shared_ptr<GatewayShared> shared);

  // On the loop: what requests from now on use.
  void set_snapshot(SnapshotPtr snapshot) { snapshot_ = std::move(snapshot); }
  [[nodiscard]] const SnapshotPtr& snapshot() const { return snapshot_; }

  // `port_id` names the port that the client came to, over all snapshots.
  [[nodiscard]] async::Task<void> forward(net::http::ServerExchange& exchange,
                                          std::uint32_t port_id, std::uint16_t port_number);

 private:
  enum class Outcome : std::uint8_t { kDone, kFailed };
  struct Attempt;

  // forwarder.cc
  void begin(Request& request);
  void finish(Request& request);
  [[nodiscard]] async::Task<void> handle(Request& request, std::uint32_t port_id);
  [[nodiscard]] static std::optional<LocalReply> take_path(Request& request);
  // kNeedsModel: the rule depends on the body, which is to be held first. `answer` is filled in
  // where there is no rule.
  enum class Selection : std::uint8_t { kDone, kNeedsModel };
  [[nodiscard]] Selection select_rule(Request& request, std::uint32_t port_id,
                                      std::optional<LocalReply>& answer);
  [[nodiscard]] static std::optional<LocalReply> answer_by_filter(Request& request);
  [[nodiscard]] async::Task<bool> hold_body(Request& request);
  [[nodiscard]] async::Task<bool> begin_extension(Request& request);
  [[nodiscard]] async::Task<void> reply(Request& request, LocalReply& reply);
  [[nodiscard]] async::Task<void> reply(Request& request, int status, std::string message,
                                        std::string_view flags, std::string_view details);

  // attempts.cc
  [[nodiscard]] async::Task<void> run_attempts(Request& request);
  [[nodiscard]] async::Task<const BackendConfig*> extension_choice(Request& request);
  [[nodiscard]] Result<std::unique_ptr<PickedEndpoint>> pick(Request& request, Cluster& cluster);
  [[nodiscard]] async::Task<bool> pause_before_retry(Request& request,
                                                     const BackendConfig& backend);
  [[nodiscard]] async::Task<void> give_up(Request& request);
  [[nodiscard]] async::Task<Outcome> attempt(Request& request, Attempt& attempt);
  [[nodiscard]] static async::Task<Status> send(Request& request, Attempt& attempt,
                                                net::http::ClientExchange& upstream);
  [[nodiscard]] static async::Task<Status> send_streamed(Request& request, Attempt& attempt,
                                                         net::http::ClientExchange& upstream,
                                                         net::HostPort address,
                                                         net::http::ClientOptions options);
  void prepare_head(Request& request, Attempt& attempt);
  static Outcome refused(Request& request, const BackendConfig& backend, LocalReply& answer);
  [[nodiscard]] PickRequest pick_request(Request& request, const Cluster& cluster);
  Outcome failed(Request& request, Attempt& attempt, net::http::ClientStage stage,
                 const Status& why);

  // answer_piece.cc
  // The next piece of an answer as the client is to see it, with the model's name put back; empty
  // at the end. Valid until the next one.
  [[nodiscard]] static async::Task<Result<std::string_view>> read_answer(
      Request& request, net::http::ClientExchange& upstream);
  // The first one, which the rule's first-byte limit bounds; later ones have its idle limit. An
  // engine may send its head at once and think for long before it says anything.
  [[nodiscard]] static async::Task<Result<std::string_view>> read_first(Request& request,
                                                                        Attempt& attempt);
  [[nodiscard]] static async::Task<Result<std::string_view>> read_restored(
      Request& request, net::http::ClientExchange& upstream);
  // Before the answer of an attempt.
  static void begin_answer(Request& request);

  // deliver.cc
  [[nodiscard]] async::Task<Outcome> deliver(Request& request, Attempt& attempt,
                                             net::http::ClientExchange& upstream);
  [[nodiscard]] async::Task<Outcome> deliver_whole(Request& request, Attempt& attempt,
                                                   net::http::ClientExchange& upstream,
                                                   std::string_view first);
  [[nodiscard]] async::Task<Outcome> deliver_stream(Request& request, Attempt& attempt,
                                                    net::http::ClientExchange& upstream,
                                                    std::string_view first);
  [[nodiscard]] async::Task<void> end_broken_stream(Request& request, Attempt& attempt,
                                                    bool event_stream, bool between_events,
                                                    const Status& why);
  static void blame(Attempt& attempt, const Status& why);
  AnswerPlan prepare_answer(Request& request, Attempt& attempt, net::http::ResponseHead& head);
  // An answer that may lead to another attempt: kept, in case that none gives a better one.
  [[nodiscard]] async::Task<Outcome> keep_answer(Request& request, Attempt& attempt,
                                                 net::http::ClientExchange& upstream);
  [[nodiscard]] async::Task<Outcome> deliver_held(Request& request, Attempt& attempt,
                                                  net::http::ClientExchange& upstream,
                                                  std::string_view first);

  // resume.cc
  // kRefused: what the engine sent, or what it would be sent, is nothing that the extension takes.
  enum class StreamEnd : std::uint8_t { kFinished, kBroken, kRefused, kClientGone };
  [[nodiscard]] bool can_resume(const Request& request, const Attempt& attempt) const;
  [[nodiscard]] async::Task<Outcome> deliver_resumable(Request& request, Attempt& attempt,
                                                       net::http::ClientExchange& upstream,
                                                       std::string_view first,
                                                       StreamJournal& journal);
  // Passes one upstream's stream on. `why` says how it broke.
  [[nodiscard]] async::Task<StreamEnd> pump(Request& request, StreamJournal& journal,
                                            PickedEndpoint& picked,
                                            net::http::ClientExchange& upstream,
                                            std::string_view chunk, Status& why);
  [[nodiscard]] async::Task<StreamEnd> resume_once(Request& request, StreamJournal& journal,
                                                   Attempt& broken, Status& why);

  // ticket.cc
  // False when there is none: Request::refusal says why.
  [[nodiscard]] async::Task<bool> take_ticket(Request& request, Cluster& cluster);
  static LocalReply refusal_reply(Request& request);
  [[nodiscard]] async::Task<void> reply_refused(Request& request);

  // mirror.cc
  void mirror(Request& request);

  async::Loop& loop_;
  const std::shared_ptr<GatewayShared> shared_owner_;
  GatewayShared& shared_;
  SnapshotPtr snapshot_;
  std::shared_ptr<net::http::HttpClient> client_;
  RequestInspector inspector_;
  SpareBodies spare_bodies_;
  ModelMetrics models_;
  std::mt19937_64 random_;
  std::shared_ptr<std::uint32_t> mirrors_ = std::make_shared<std::uint32_t>(0);
};

}  // namespace nacelle::gateway
