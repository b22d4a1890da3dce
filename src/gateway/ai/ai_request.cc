#include "gateway/ai/ai_request.h"

#include <algorithm>

#include "provider/client_error.h"
#include "telemetry/log.h"

namespace nacelle::gateway::ai {

namespace {

WallMicros wall_now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}
WallTime wall_seconds() { return std::chrono::floor<std::chrono::seconds>(wall_now()); }

Failure failure_of(gateway::Failure failure) {
  switch (failure) {
    case gateway::Failure::kConnect:
      return Failure::kConnect;
    case gateway::Failure::kReset:
      return Failure::kReset;
    case gateway::Failure::kTimeout:
      return Failure::kTimeout;
    case gateway::Failure::kStatus:
      break;
  }
  return Failure::kStatus;
}

void apply(const HeaderMutation& mutation, net::http::Headers& headers) {
  for (const std::string& name : mutation.remove) headers.remove(name);
  for (const auto& [name, value] : mutation.set) headers.set(name, value);
}

// "host:port" as a Host header: the port of the scheme goes without saying.
std::string host_header(std::string_view address) {
  for (const std::string_view port : {":443", ":80"}) {
    if (address.ends_with(port))
      return std::string(address.substr(0, address.size() - port.size()));
  }
  return std::string(address);
}

bool is_event_stream(const net::http::Headers& headers) {
  return headers.get("content-type").starts_with("text/event-stream");
}

}  // namespace

AiRequest::AiRequest(const AiRuntime& runtime, std::optional<provider::Endpoint> endpoint,
                     std::string_view path)
    : runtime_(runtime), endpoint_(endpoint), path_(path) {}

provider::Dialect AiRequest::dialect() const {
  if (endpoint_) return provider::client_dialect(*endpoint_);
  return path_.starts_with("/anthropic/") ? provider::Dialect::kAnthropic
                                          : provider::Dialect::kOpenAi;
}

// By key, model or limit.
LocalReply AiRequest::refusal(const Status& why) const {
  LocalReply out;
  out.status = client_error_status(why);
  out.body = client_error_body(dialect(), why);
  out.message = why.message();
  out.details = "ext_authz_denied";
  if (out.status == 401 || out.status == 403) out.flags = "UAEX";
  return out;
}

LocalReply AiRequest::over_limit(const Refusal& refused) const {
  LocalReply out = refusal(to_status(refused));
  for (const auto& [name, value] : rate_limit_headers(refused)) out.headers.add(name, value);
  out.flags = "RL";
  out.details = "request_rate_limited";
  return out;
}

// By translation or for want of a credential.
LocalReply AiRequest::unsendable(const Status& why) const {
  LocalReply out;
  out.status = provider::http_status(why);
  out.body = provider::gateway_error(dialect(), out.status, why.message());
  out.message = why.message();
  out.details = "direct_response";
  out.is_outcome = true;
  return out;
}

std::optional<LocalReply> AiRequest::on_head(const net::http::RequestHead& head,
                                             ExchangeRecord& record) {
  head_ = &head;
  if (const KeyTable* keys = runtime_.keys()) {
    auto key = keys->authenticate(head.headers, wall_seconds());
    if (!key) return refusal(key.error());
    key_ = *key;
    record.client_key = key_->id;
  }
  if (!endpoint_) return list_models(head);
  return std::nullopt;
}

LocalReply AiRequest::list_models(const net::http::RequestHead& head) const {
  const auto visible = [this](std::string_view id) {
    return key_ == nullptr || key_->allows_model(id);
  };
  const ModelCatalogue& catalogue = runtime_.catalogue();
  std::string_view rest(path_);
  const bool anthropic = rest.starts_with("/anthropic/");
  rest.remove_prefix(std::string_view("/v1/models").size() + (anthropic ? 10 : 0));
  LocalReply out;
  out.status = 200;
  out.details = "direct_response";
  out.headers.add("content-type", "application/json");
  if (rest.empty()) {
    out.body = anthropic ? catalogue.anthropic_list(head.host(), visible)
                         : catalogue.openai_list(head.host(), visible);
    return out;
  }
  rest.remove_prefix(1);
  if (auto model = catalogue.openai_model(head.host(), rest, visible)) {
    out.body = std::move(*model);
    return out;
  }
  return refusal(
      not_found("The model `{}` does not exist or this API key has no access to it.", rest));
}

std::optional<LocalReply> AiRequest::on_body(RequestFacts& facts, ExchangeRecord& record) {
  (void)record;
  client_model_ = facts.model;
  if (key_ != nullptr && !key_->models.empty()) {
    // Without a name an engine would choose; what it chooses may not be this key's.
    if (client_model_.empty())
      return refusal(invalid_argument("model: expected a non-empty string"));
    if (const Status fine = KeyTable::authorize_model(*key_, client_model_); !fine.ok())
      return refusal(fine);
  }
  model_ = std::string(runtime_.config().aliases.resolve(client_model_));
  facts.model = model_;
  return std::nullopt;
}

LimitFacts AiRequest::limit_facts() const {
  return {.key_id = key_ != nullptr ? std::string_view(key_->id) : std::string_view(),
          .model = client_model_,
          .header = [this](std::string_view name) { return head_->headers.find(name); }};
}

std::optional<LocalReply> AiRequest::on_route(const net::http::RequestHead& head,
                                              const RuleConfig& rule, ExchangeRecord& record) {
  (void)record;
  head_ = &head;
  route_ = rule.route;
  if (rule.tag != kNoTag) rule_ = &runtime_.rule(rule.tag);
  std::vector<const RateLimit*> limits;
  for (const RateLimit& limit : runtime_.config().rate_limits) limits.push_back(&limit);
  if (key_ != nullptr) {
    for (const RateLimit& limit : key_->rate_limits) limits.push_back(&limit);
  }
  admission_ = runtime_.shared().limiter->admit(limits, limit_facts(), wall_now());
  if (!admission_.allowed) return over_limit(*admission_.refusal);
  admitted_ = true;
  return std::nullopt;
}

std::optional<NextAttempt> AiRequest::next_attempt(const std::vector<bool>& serving, TimePoint now,
                                                   double random) {
  std::vector<FallbackCandidate> candidates;
  for (std::size_t i = 0; i < rule_->backends.size(); ++i) {
    const RouteBackend& ref = *rule_->backends[i].ref;
    candidates.push_back({ref.priority, ref.weight, serving[i]});
  }
  const Fallback next =
      decide_fallback(attempts_, candidates, runtime_.config().fallback, now, random);
  if (next.action == Fallback::Action::kAnswer) return std::nullopt;
  return NextAttempt{next.backend, next.not_before};
}

bool AiRequest::may_move_on(int status) const {
  const FallbackPolicy& policy = runtime_.config().fallback;
  const bool listed =
      std::find(policy.statuses.begin(), policy.statuses.end(), status) != policy.statuses.end();
  const bool may_be_length = status == 400 || status == 413 || status == 422;
  return listed || (policy.on_context_length && may_be_length);
}

void AiRequest::on_failed(const FailedAttempt& failed) {
  Attempt attempt;
  attempt.backend = failed.backend;
  attempt.failure = failure_of(failed.failure);
  attempt.status = static_cast<std::uint16_t>(failed.status);
  if (attempt.failure == Failure::kStatus && is_context_length_error(attempt.status, failed.body)) {
    attempt.failure = Failure::kContextLength;
  }
  attempt.retry_after = failed.retry_after;
  attempt.ended = failed.ended;
  attempts_.push_back(attempt);
}

provider::Context AiRequest::context(bool renamed, const net::http::Headers& headers,
                                     const ExchangeRecord& record) const {
  provider::Context out;
  out.request_id = record.trace.trace_id;
  out.created = wall_seconds().time_since_epoch().count();
  if (renamed) out.client_model = client_model_;  // clients see the name that they know
  out.want_usage = runtime_.counts_tokens();
  out.anthropic_beta = headers.get("anthropic-beta");
  out.content_type = headers.get("content-type");
  return out;
}

Status AiRequest::sign(const AiBackend& backend, net::http::RequestHead& head,
                       std::string_view body, const ExchangeRecord& record) const {
  if (backend.service != nullptr && backend.service->ref_kind == "Backend")
    head.headers.set("host", host_header(record.upstream_host));
  OutgoingRequest request{.method = head.method,
                          .host = std::string(head.headers.get("host")),
                          .path = head.target,
                          .body = body,
                          .headers = head.headers};
  static const std::optional<HeaderOverride> kNoOverride;
  const SecurityPolicy* policy = backend.security;
  if (policy == nullptr) return authorize({}, kNoOverride, wall_seconds(), request);
  if (policy->override_from) {
    // These do not cross the gateway by themselves (header_rules.h).
    for (const auto& field : head_->headers) {
      if (net::http::equals_ignore_case(std::string_view(field.name).substr(0, 7), "x-aigw-"))
        head.headers.set(field.name, field.value);
    }
  }
  RETURN_IF_ERROR(authorize(runtime_.shared().credentials->current(*policy), policy->override_from,
                            wall_seconds(), request));
  if (policy->override_from && !policy->override_from->header.empty())
    head.headers.remove(policy->override_from->header);
  head.target = request.path;
  return {};
}

std::optional<LocalReply> AiRequest::on_attempt(const BackendConfig& backend,
                                                net::http::RequestHead& head, std::string& body,
                                                ExchangeRecord& record) {
  translator_.reset();
  meter_.reset();
  quota_ = {};
  backend_ = backend.name;
  if (rule_ == nullptr) {
    if (key_ != nullptr) strip_client_credentials(head.headers);
    return std::nullopt;
  }
  const AiBackend& chosen = rule_->backends[backend.tag];
  provider::Backend schema =
      chosen.service != nullptr ? chosen.service->schema : provider::Backend();
  schema.model_override = chosen.ref->model_override.empty() ? model_ : chosen.ref->model_override;
  const bool renamed = schema.model_override != client_model_;
  if (!renamed) schema.model_override.clear();
  auto translator =
      provider::make_translator(*endpoint_, schema, context(renamed, head.headers, record));
  if (!translator) return unsendable(translator.error());
  auto upstream = (*translator)->request(body);
  if (!upstream) return unsendable(upstream.error());

  record.upstream_model = upstream->model == client_model_ ? "" : upstream->model;
  record.provider = provider::provider_name(schema.schema);
  std::vector<const RateLimit*> quotas;
  for (const QuotaRule* quota : chosen.quotas) {
    if (quota->model == upstream->model) quotas.push_back(&quota->limit);
  }
  quota_ = runtime_.shared().limiter->admit(quotas, limit_facts(), wall_now());
  if (!quota_.allowed) {
    LocalReply out = over_limit(*quota_.refusal);
    out.is_outcome = true;  // another backend may have some left
    return out;
  }

  body = std::move(upstream->body);
  for (const provider::BodyMutation* mutation :
       {chosen.service != nullptr ? &chosen.service->body : nullptr, &chosen.ref->body}) {
    if (mutation == nullptr || mutation->empty()) continue;
    auto mutated = provider::mutate_body(body, *mutation);
    if (!mutated) return unsendable(mutated.error());
    body = std::move(*mutated);
  }
  chosen_ = &chosen;
  upstream_path_ = std::move(upstream->path);
  upstream_headers_ = std::move(upstream->headers);
  if (const Status status = dress(head, body, record); !status.ok()) return unsendable(status);
  translator_ = std::move(*translator);
  return std::nullopt;
}

Status AiRequest::dress(net::http::RequestHead& head, std::string_view body,
                        const ExchangeRecord& record) {
  head.target = upstream_path_;
  for (const auto& [name, value] : upstream_headers_) head.headers.set(name, value);
  if (chosen_->service != nullptr) apply(chosen_->service->headers, head.headers);
  apply(chosen_->ref->headers, head.headers);
  return sign(*chosen_, head, body, record);
}

Status AiRequest::on_resume(net::http::RequestHead& head, const std::string& body,
                            ExchangeRecord& record) {
  if (rule_ != nullptr) return dress(head, body, record);
  if (key_ != nullptr) strip_client_credentials(head.headers);
  return {};
}

AnswerPlan AiRequest::on_response(net::http::ResponseHead& head, ExchangeRecord& record) {
  (void)record;
  if (!translator_) {
    meter_.emplace(is_event_stream(head.headers) ? provider::AnswerForm::kStream
                                                 : provider::AnswerForm::kJson);
    return AnswerPlan::kWatched;
  }
  const std::string type(head.headers.get("content-type"));
  const std::string id(head.headers.get("x-amzn-requestid"));
  const std::string error(head.headers.get("x-amzn-errortype"));
  const provider::ResponsePlan plan = translator_->response_head({head.status, type, id, error});
  head.status = plan.status;
  if (!plan.content_type.empty()) head.headers.set("content-type", plan.content_type);
  // Whose account it is, and the provider's cookies, are not the client's business.
  for (const std::string_view name :
       {"set-cookie", "openai-organization", "openai-project", "anthropic-organization-id"}) {
    head.headers.remove(name);
  }
  if (!plan.rewritten) return AnswerPlan::kWatched;
  head.headers.remove("content-encoding");
  return plan.delivery == provider::Delivery::kStreamed ? AnswerPlan::kRewritten
                                                        : AnswerPlan::kHeld;
}

Result<std::string_view> AiRequest::on_piece(std::string_view piece, bool last,
                                             ExchangeRecord& record) {
  (void)record;
  if (!translator_) {
    if (meter_ && !piece.empty()) meter_->feed(piece);
    if (meter_ && last) meter_->finish();
    return piece;
  }
  out_.clear();
  if (!piece.empty()) RETURN_IF_ERROR(translator_->chunk(piece, out_));
  if (last) RETURN_IF_ERROR(translator_->end(out_));
  return std::string_view(out_);
}

void AiRequest::on_end(ExchangeRecord& record) {
  if (!admitted_) return;
  provider::TokenUsage usage;
  if (translator_) {
    usage = translator_->usage();
    record.response_model = translator_->response_model();
  } else if (meter_) {
    usage = meter_->usage();
    record.response_model = meter_->model();
  }
  if (usage.reported)
    record.tokens = TokenCounts{usage.input, usage.cached_input, usage.cache_creation, usage.output,
                                usage.reasoning};
  charge(usage, record);
}

void AiRequest::charge(const provider::TokenUsage& usage, const ExchangeRecord& record) {
  const AiShared& shared = runtime_.shared();
  const WallMicros now = wall_now();
  const CostInputs inputs{
      .model = client_model_, .backend = backend_, .route_name = route_, .usage = usage};
  UsageRecord books;
  for (const Admission* admission : {&admission_, &quota_}) {
    auto charged = shared.limiter->charge(*admission, inputs, now);
    for (DurableCharge& one : charged.durable) books.charges.push_back(std::move(one));
    for (const Status& why : charged.errors) log::warn("a cost could not be told", {{"why", why}});
  }
  if (!shared.books) return;
  books.at = std::chrono::floor<std::chrono::seconds>(now);
  books.key_id = key_ != nullptr ? key_->id : "";
  books.model = client_model_;
  books.route = route_;
  books.backend = backend_;
  books.http_status = static_cast<std::uint32_t>(record.status);
  books.usage = usage;
  if (rule_ != nullptr && rule_->cost != nullptr) {
    if (const auto cost = rule_->cost->evaluate(inputs)) books.cost = *cost;
  }
  (void)shared.books->add(std::move(books));  // it counts what it drops
}

}  // namespace nacelle::gateway::ai
