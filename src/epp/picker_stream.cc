#include "epp/picker_stream.h"

#include <algorithm>
#include <random>

#include <fmt/format.h>

#include "net/grpc/typed.h"
#include "router/objective/resolve.h"
#include "router/prefix_hash.h"
#include "telemetry/log.h"

namespace nacelle::epp {
namespace {

std::uint64_t next_random() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

std::string new_uuid() {
  const std::uint64_t high = (next_random() & ~0xf000ULL) | 0x4000ULL;
  const std::uint64_t low = (next_random() & ~(3ULL << 62)) | (2ULL << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffffULL);
}

// Where the request was going, before rewrites of the proxy.
std::string_view path_of(const HeaderList& headers) {
  for (const char* name : {":path", "x-original-path", "x-forwarded-path"}) {
    if (const std::string_view path = header_in(headers, name); !path.empty()) return path;
  }
  return {};
}

}  // namespace

PickerStream::PickerStream(Picker& picker, router::RequestBodyReader& reader,
                           net::grpc::ServerCall& call)
    : picker_(picker), reader_(reader), call_(call), trace_(picker.spans) {}

PickerStream::~PickerStream() {
  end_request();
  end_trace();
}

async::Task<Status> PickerStream::run() {
  for (;;) {
    const auto bytes = co_await call_.read(*this);
    if (eviction_) co_return co_await give_way();
    if (!bytes.ok()) co_return bytes.error();
    if (!bytes->has_value()) co_return Status();
    const Result<Next> next = co_await handle(**bytes);
    if (!next.ok()) co_return next.error();
    if (!out_.empty()) CO_RETURN_IF_ERROR(co_await call_.write_framed(out_));
    std::string().swap(out_);  // answers take minutes: do not keep the prompt
    if (*next == Next::kEnd) co_return Status();
  }
}

bool PickerStream::take(std::string_view bytes, std::string& replies) {
  const auto piece = response_body_in(bytes);
  if (!piece || piece->end_of_stream) return false;
  pass_response_piece(piece->body, false, replies);
  return true;
}

void PickerStream::reply(const ProcessingResponse& message) {
  net::grpc::append_framed(message, out_);
}

async::Task<Result<PickerStream::Next>> PickerStream::handle(std::string_view bytes) {
  const auto parsed = net::grpc::parse_message<ProcessingRequest>(bytes);
  if (!parsed.ok()) co_return parsed.error();
  const ProcessingRequest& message = *parsed;
  switch (message.request_case()) {
    case ProcessingRequest::kRequestHeaders:
      take_request_headers(message);
      break;
    case ProcessingRequest::kRequestBody: {
      if (refused_ || body_ended_) break;  // some proxies repeat the last piece
      if (!take_request_body(message.request_body().body())) break;
      if (!message.request_body().end_of_stream()) break;
      body_ended_ = true;
      take_subset(message);
      co_await pick();
      tell_request_processed();
      if (skip_response_ && !refused_) {
        trace_.outcome = StreamTrace::kNatural;
        co_return Next::kEnd;
      }
      break;
    }
    case ProcessingRequest::kResponseHeaders:
    case ProcessingRequest::kResponseBody:
    case ProcessingRequest::kResponseTrailers:
      take_answer(message);
      break;
    case ProcessingRequest::kRequestTrailers:
    case ProcessingRequest::REQUEST_NOT_SET:
      break;
  }
  co_return Next::kGoOn;
}

void PickerStream::take_request_headers(const ProcessingRequest& message) {
  began_ = picker_.clock.now();
  request_headers_ = headers_of(message.request_headers().headers());
  header_views_.clear();
  for (const auto& [name, value] : request_headers_) header_views_.push_back({name, value});
  facts_ = router::objective::request_facts_from_headers(header_views_);
  if (facts_.request_id.empty()) new_headers_.emplace_back("x-request-id", new_uuid());
  trace_.begin(facts_.traceparent, began_);
  if (std::string own = trace_.traceparent(); !own.empty()) {
    new_headers_.emplace_back("traceparent", std::move(own));
  }
  if (!message.request_headers().end_of_stream()) return;
  body_ended_ = true;
  const std::string endpoint = random_endpoint(*picker_.router.pool(), next_random());
  if (endpoint.empty()) return refuse(500, "no pods available in datastore", {});
  trace_.endpoint = endpoint;
  reply(header_only_reply(endpoint, request_headers_, new_headers_));
}

void PickerStream::take_subset(const ProcessingRequest& message) {
  if (!picker_.options.use_subset_filter || !message.has_metadata_context()) return;
  const auto& spaces = message.metadata_context().filter_metadata();
  const auto space = spaces.find(std::string(kSubsetNamespace));
  if (space == spaces.end()) return;
  const auto field = space->second.fields().find(std::string(kSubsetKey));
  if (field == space->second.fields().end()) return;
  subset_.emplace();
  for (const auto& value : field->second.list_value().values()) {
    if (value.kind_case() == google::protobuf::Value::kStringValue) {
      subset_->push_back(value.string_value());
    }
  }
}

bool PickerStream::take_request_body(const std::string& piece) {
  if (body_.size() + piece.size() > picker_.options.max_body_bytes) {
    refuse(413,
           fmt::format("the request body has more than {} bytes", picker_.options.max_body_bytes),
           {});
    return false;
  }
  body_ += piece;
  return true;
}

void PickerStream::refuse(int http_status, std::string_view message, std::string_view reason) {
  note_refusal(http_status, reason);
  reply(immediate_reply(http_status, message, reason));
  picker_.metrics.request_failed(series(), std::to_string(http_status));
  end_request();
}

void PickerStream::note_refusal(int http_status, std::string_view reason) {
  refused_ = true;
  trace_.outcome = "refused";
  trace_.reason = reason;
  trace_.status = http_status;
}

async::Task<void> PickerStream::pick() {
  const StreamTrace::Timed timed(trace_.orchestration, picker_.clock);
  if (const Status resolved = resolve(); !resolved.ok()) {
    refuse(400, resolved.message(), {});
    co_return;
  }
  if (!co_await admit()) co_return;
  co_await tokenize();
  if (eviction_) co_return;  // run() says so
  if (choose()) answer_pick();
}

Status PickerStream::resolve() {
  Result<router::RequestBody> read = reader_.read(path_of(request_headers_), body_);
  if (!read.ok()) return read.error();
  request_ = std::move(*read);
  skip_response_ = request_.api == router::Api::kCountTokens;
  const auto objectives = picker_.objectives.get();
  const auto needed = request_.needs_model() ? router::objective::ModelNeeded::kYes
                                             : router::objective::ModelNeeded::kNo;
  auto model =
      router::objective::resolve_model(*objectives, request_.model, facts_, next_random(), needed);
  if (!model.ok()) return model.error();
  incoming_model_ = std::move(model->incoming);
  target_model_ = std::move(model->target);
  priority_ = objectives->priority_of(facts_.objective);
  const std::string_view fairness =
      router::objective::fairness_id_of(facts_, picker_.options.use_agent_session);
  series_ = &picker_.metrics.series(incoming_model_, target_model_, fairness, priority_);
  if (!model->rewrite.empty()) {
    picker_.metrics.rewritten(model->rewrite, incoming_model_, target_model_);
  }
  series_->requests.increment();
  series_->running.add(1);
  series_->size.observe(static_cast<double>(body_.size()));
  counted_ = true;
  return {};
}

async::Task<bool> PickerStream::admit() {
  router::flow::FlowRequest request;
  request.fairness_id =
      router::objective::fairness_id_of(facts_, picker_.options.use_agent_session);
  request.priority = priority_;
  request.bytes = body_.size();
  request.prompt_tokens = router::estimated_tokens(request_.prompt);
  request.received = began_;
  request.slo_ttft = facts_.slo_ttft;
  request.model = incoming_model_;
  request.target_model = target_model_;
  request.on_evicted = [this](const router::flow::Refusal& why) { evicted(why); };
  router::flow::AdmitCancel cancel;
  call_.on_cancel([&cancel] { cancel.cancel(); });
  trace_.flow_control.begin = picker_.clock.now();
  router::flow::AdmitResult result = co_await picker_.flow.admit(std::move(request), &cancel);
  trace_.flow_control.end = picker_.clock.now();
  call_.on_cancel({});
  if (result.admitted()) {
    admission_ = std::move(result.admission);
    co_return true;
  }
  note_refusal(result.refusal.http_status(), result.refusal.reason_header());
  reply(immediate_body_reply(result.refusal.http_status(), result.refusal.body(),
                             result.refusal.reason_header()));
  picker_.metrics.request_failed(series(), std::to_string(result.refusal.http_status()));
  end_request();
  co_return false;
}

// A turn of the loop of its own, whatever run() waits for. A request that has ended holds no
// admission and is not told.
void PickerStream::evicted(const router::flow::Refusal& why) {
  eviction_ = why;
  call_.interrupt_read();
}

// The client gets the 429 while its answer has not begun; after that the proxy breaks it off.
async::Task<Status> PickerStream::give_way() {
  const router::flow::Refusal why = *eviction_;
  note_refusal(why.http_status(), why.reason_header());
  trace_.outcome = "evicted";
  out_.clear();
  reply(immediate_body_reply(why.http_status(), why.body(), why.reason_header()));
  picker_.metrics.request_failed(series(), std::to_string(why.http_status()));
  end_request();
  co_return co_await call_.write_framed(out_);
}

async::Task<void> PickerStream::tokenize() {
  const bool chat = request_.api == router::Api::kChat;
  if (picker_.precise == nullptr || (!chat && request_.api != router::Api::kCompletions)) co_return;
  tokens_ = co_await router::PrecisePrefix::blocks_of(
      picker_.precise, chat ? router::PromptKind::kChat : router::PromptKind::kCompletion, body_,
      target_model_);
}

bool PickerStream::choose() {
  constexpr std::string_view kNoCandidates =
      "failed to find endpoint candidates for serving the request";
  const router::PoolSnapshotPtr pool = picker_.router.pool();
  std::vector<std::string_view> subset;
  if (subset_) {
    subset = endpoints_of_hosts(*pool, *subset_);
    if (subset.empty()) {
      refuse(503, kNoCandidates, router::kReasonNoEndpoints);
      return false;
    }
  }
  router::RequestTerms terms;
  terms.headers = header_views_;
  terms.facts = facts_;
  terms.model = target_model_;
  terms.cache_salt = request_.cache_salt;
  terms.prompt = request_.prompt;
  terms.max_output_tokens = request_.max_output_tokens;
  terms.priority = priority_;
  terms.subset = subset;
  terms.tokens = tokens_ ? &*tokens_ : nullptr;
  std::vector<std::uint64_t> hashes;
  const router::RoutingRequest request = router::routing_request_of(
      terms, picker_.router.prefix_hash_options(), next_random(), hashes);
  const TimePoint now = picker_.clock.now();
  router::Refusal refusal;
  auto placement = picker_.router.pick(request, now, refusal);
  trace_.scoring = {now, picker_.clock.now()};
  picker_.metrics.scheduling.observe(to_seconds(trace_.scoring.end - now));
  if (!placement.ok()) {
    series().refused_picks.increment();
    refuse(refusal.http_status == 0 ? 429 : refusal.http_status, refusal.status.message(),
           refusal.reason);
    return false;
  }
  placement_ = std::move(*placement);
  admission_.placed();
  picker_.pool_metrics.placed(*placement_);
  share_endpoint();
  if (!placement_->stages().empty()) {
    const auto* handler = dynamic_cast<const router::Plugin*>(picker_.router.schedule().handler);
    if (handler != nullptr) picker_.metrics.decided(series(), *handler, placement_->stages());
  }
  return true;
}

void PickerStream::answer_pick() {
  if (target_model_ != incoming_model_ && request_.needs_model()) {
    auto rewritten = router::with_model(body_, target_model_);
    if (!rewritten.ok()) return refuse(400, rewritten.error().message(), {});
    body_ = std::move(*rewritten);
  }
  Destination destination;
  for (const auto& target : placement_->destinations()) {
    if (!destination.endpoints.empty()) destination.endpoints += ',';
    destination.endpoints += target.address;
  }
  trace_.endpoint = destination.endpoints;
  if (picker_.options.emit_endpoint_scores) {
    for (const router::Placement::EndpointScore& each : placement_->scores()) {
      destination.scores.emplace_back(each.address, each.score);
    }
  }
  for (const router::HeaderValue& header : placement_->set_headers()) {
    new_headers_.emplace_back(header.name, header.value);
  }
  reply(request_headers_reply(destination, body_.size(), request_headers_, new_headers_,
                              placement_->remove_headers()));
  append_body_replies(Half::kRequest, body_, true, out_);
  std::string().swap(body_);  // answers take minutes: do not keep the prompt
  request_.prompt = {};
}

// Once, whatever way the request ends.
void PickerStream::end_request() {
  if (placement_) placement_->release();
  placement_.reset();
  in_flight_.release();
  if (meter_) {
    meter_->finish();
    const provider::TokenUsage& usage = meter_->usage();
    trace_.usage = usage;
    trace_.response_model = meter_->model();
    admission_.used(usage.input, usage.output);
    if (counted_) tell_usage(usage);
    meter_.reset();
  }
  admission_.release();
  if (!counted_) return;
  counted_ = false;
  series_->running.add(-1);
  series_->duration.observe(to_seconds(picker_.clock.now() - began_));
}

RequestSeries& PickerStream::series() {
  if (series_ == nullptr) {
    series_ =
        &picker_.metrics.series(incoming_model_, target_model_, facts_.fairness_id, priority_);
  }
  return *series_;
}

void PickerStream::share_endpoint() {
  const EndpointSeries endpoint = picker_.metrics.endpoint(
      series(), placement_->destinations().front(), *picker_.router.pool());
  endpoint.attempts.increment();
  in_flight_ = InFlightShare(endpoint, static_cast<double>(placement_->tokens_in_flight()));
}

void PickerStream::tell_request_processed() {
  const Duration waited = trace_.flow_control.end - trace_.flow_control.begin;
  picker_.metrics.request_processing.observe(
      to_seconds(trace_.orchestration.end - trace_.orchestration.begin - waited));
}

void PickerStream::end_trace() {
  if (!trace_.sampled()) return;
  trace_.request_id =
      facts_.request_id.empty() ? header_in(new_headers_, "x-request-id") : facts_.request_id;
  trace_.path = path_of(request_headers_);
  trace_.api = request_.api;
  trace_.model = incoming_model_;
  trace_.target_model = target_model_;
  trace_.max_output_tokens = request_.max_output_tokens;
  trace_.objective = facts_.objective;
  if (!incoming_model_.empty()) {
    trace_.fairness_id =
        router::objective::fairness_id_of(facts_, picker_.options.use_agent_session);
  }
  trace_.priority = priority_;
  trace_.finish(picker_.clock.now());
}

}  // namespace nacelle::epp
