// attempts.cc: which backend and endpoint, and how often.
#include <algorithm>

#include "async/timer.h"
#include "gateway/forward/attempt.h"
#include "gateway/forward/local_reply.h"
#include "gateway/forwarder.h"
#include "gateway/upstream/hash.h"

namespace nacelle::gateway {

using net::http::ClientExchange;
using net::http::ClientStage;

namespace {

TimePoint now() { return std::chrono::steady_clock::now(); }

// A backend of the level by weight; those without a serving endpoint only when all are.
const BackendConfig* choose_backend(const Request& request, std::uint64_t random) {
  const RuleConfig& rule = *request.rule->config;
  const std::uint32_t level = request.rule->levels[request.level];
  if (rule.backends.size() == 1) return rule.backends[0].weight > 0 ? &rule.backends[0] : nullptr;
  std::vector<std::uint32_t> weights;
  for (const BackendConfig& backend : rule.backends)
    weights.push_back(backend.priority == level ? backend.weight : 0);
  const auto chosen = choose_weighted(weights, random);
  return chosen ? &rule.backends[*chosen] : nullptr;
}

bool level_serves(const Request& request, std::size_t level) {
  const RuleConfig& rule = *request.rule->config;
  return std::any_of(rule.backends.begin(), rule.backends.end(), [&](const BackendConfig& backend) {
    return backend.priority == request.rule->levels[level] && backend.weight > 0 &&
           backend.cluster != kNoCluster &&
           request.snapshot->clusters[backend.cluster]->picker->any_serving();
  });
}

}  // namespace

// What the extension chose, at its time; nullptr when no attempt is left.
async::Task<const BackendConfig*> Forwarder::extension_choice(Request& request) {
  const RuleConfig& rule = *request.rule->config;
  if (request.exchange.client_gone() || request.body_taken) co_return nullptr;
  std::vector<bool> serving;
  for (const BackendConfig& backend : rule.backends) {
    serving.push_back(backend.cluster != kNoCluster &&
                      request.snapshot->clusters[backend.cluster]->picker->any_serving());
  }
  const double random = static_cast<double>(random_() >> 11) * 0x1p-53;
  const TimePoint begin = now();
  const auto next = request.extension->next_attempt(serving, begin, random);
  if (!next || next->not_before >= request.deadline) co_return nullptr;
  if (next->not_before > begin) co_await async::sleep_for(next->not_before - begin);
  if (request.exchange.client_gone()) co_return nullptr;
  request.retry_after.reset();
  const BackendConfig& backend = rule.backends[next->backend];
  if (request.record.attempts > 0) {
    ++request.retries;
    if (backend.cluster != kNoCluster)
      request.snapshot->clusters[backend.cluster]->metrics.retries.increment();
  }
  co_return &backend;
}

PickRequest Forwarder::pick_request(Request& request, const Cluster& cluster) {
  PickRequest wanted{request.facts.model, request.facts.cache_salt, request.facts.prompt};
  wanted.headers = &request.exchange.request().headers;
  wanted.path = request.path;
  wanted.body = request.body;
  wanted.session = request.session;
  wanted.max_output_tokens = request.facts.max_output_tokens;
  wanted.received = request.record.complete;
  wanted.deadline = request.deadline;
  wanted.refusal = &request.refusal;
  if (request.ticket_of == &cluster) wanted.ticket = request.ticket.get();
  if (cluster.config.traffic.balance == TrafficConfig::Balance::kRingHash) {
    const std::string& name = cluster.config.traffic.hash_header;
    wanted.hash = stable_hash(name.empty() ? std::string_view(request.record.peer)
                                           : wanted.headers->get(name));
  }
  return wanted;
}

Result<std::unique_ptr<PickedEndpoint>> Forwarder::pick(Request& request, Cluster& cluster) {
  const PickRequest wanted = pick_request(request, cluster);
  auto picked = cluster.picker->pick(wanted, request.tried);
  const bool repeats =
      (request.rule->config->retry && request.level + 1 == request.rule->levels.size()) ||
      (request.extension && request.extension->chooses_backends());
  if (!picked && repeats && !request.tried.empty()) {
    request.tried.clear();  // fewer endpoints than attempts: begin anew
    picked = cluster.picker->pick(wanted, request.tried);
  }
  return picked;
}

async::Task<void> Forwarder::run_attempts(Request& request) {
  const RetryConfig& retry = request.rule->retry;
  const bool chosen = request.extension && request.extension->chooses_backends();
  while (request.level + 1 < request.rule->levels.size() && !level_serves(request, request.level))
    ++request.level;
  for (;;) {
    const BackendConfig* backend = nullptr;
    if (chosen) {
      backend = co_await extension_choice(request);
      if (backend == nullptr) break;
    } else {
      backend = choose_backend(request, random_());
    }
    if (backend == nullptr || backend->cluster == kNoCluster) {
      co_await reply(request, 500, "The route's backend does not exist.", "NC", "no_backend");
      co_return;
    }
    Cluster& cluster = *request.snapshot->clusters[backend->cluster];
    const Breaker::Place place = cluster.breaker.enter();
    if (!place) {
      shared_.metrics.refused_breaker.increment();
      LocalReply full;
      full.status = 503;
      full.message = "The backend has as many requests in hand as it takes.";
      full.flags = "UO";
      full.details = "overflow";
      full.headers.add("x-envoy-overloaded", "true");
      if (chosen) {
        (void)refused(request, *backend, full);
        continue;
      }
      co_await reply(request, full);
      co_return;
    }
    // A request without a body (a list of models) computes nothing: it waits for nothing.
    if (cluster.picker->has_tickets() && request.ticket_of != &cluster && !request.body.empty()) {
      if (const bool got = co_await take_ticket(request, cluster); !got) {
        if (request.exchange.client_gone()) co_return;
        if (chosen) {
          LocalReply answer = refusal_reply(request);
          (void)refused(request, *backend, answer);
          continue;
        }
        if (request.level + 1 < request.rule->levels.size()) {
          ++request.level;
          request.attempts_in_level = 0;
          continue;
        }
        co_await reply_refused(request);
        co_return;
      }
    }
    auto picked = pick(request, cluster);
    if (!picked) {
      if (request.last_failure.empty()) request.last_failure = picked.error().message();
      if (chosen) {
        tell_failure(request, *backend, Failure::kConnect, 0, {});
        continue;
      }
      if (request.level + 1 < request.rule->levels.size()) {
        ++request.level;
        request.attempts_in_level = 0;
        continue;
      }
      // A refusal that is about the request and not about missing endpoints has words of its own.
      if (request.record.attempts == 0 && request.refusal.status != 0 &&
          request.refusal.status != 503) {
        co_await reply_refused(request);
        co_return;
      }
      break;
    }
    request.tried.push_back((*picked)->address());
    request.record.upstream_host = request.tried.back();
    ++request.record.attempts;
    ++request.attempts_in_level;
    Attempt one{*backend, cluster, **picked};
    const Outcome outcome = co_await attempt(request, one);
    if (outcome == Outcome::kDone) co_return;
    if (one.evicted) {
      co_await reply_refused(request);
      co_return;
    }
    if (chosen) continue;
    if (const bool again = co_await pause_before_retry(request, *backend); !again) break;
    if (retry.attempts_per_priority > 0 &&
        request.attempts_in_level >= retry.attempts_per_priority &&
        request.level + 1 < request.rule->levels.size()) {
      ++request.level;
      request.attempts_in_level = 0;
    }
  }
  co_await give_up(request);
}

async::Task<bool> Forwarder::pause_before_retry(Request& request, const BackendConfig& backend) {
  const RetryConfig& retry = request.rule->retry;
  if (!retriable(retry, request.failure, request.failed_status)) co_return false;
  if (request.retries >= retry.attempts || request.body_taken) co_return false;
  if (request.exchange.client_gone()) co_return false;
  Cluster& cluster = *request.snapshot->clusters[backend.cluster];
  request.retry_place = Breaker::Place();
  if (request.rule->config->retry) {  // what nobody asked for needs no budget: it is rare and short
    request.retry_place = cluster.breaker.enter_retry();
    if (!request.retry_place) {
      request.over_retry_budget = true;
      co_return false;
    }
  }
  ++request.retries;
  cluster.metrics.retries.increment();
  const Duration pause = pause_before(retry, request.retries, request.retry_after, random_());
  request.retry_after.reset();
  const TimePoint begin = now();
  if (begin + pause >= request.deadline) co_return false;
  if (pause > Duration::zero()) co_await async::sleep_for(pause);
  co_return !request.exchange.client_gone();
}

async::Task<void> Forwarder::give_up(Request& request) {
  if (request.exchange.client_gone()) co_return;
  const auto flags_or = [&](std::string_view otherwise) -> std::string_view {
    if (request.over_retry_budget) return "UO";
    return request.retries > 0 ? "URX" : otherwise;
  };
  request.record.failure = request.last_failure;
  if (request.held_head) {
    request.record.status = request.held_head->status;
    request.record.flags = flags_or("-");
    request.record.details = request.held_details;
    request.record.bytes_sent = request.held_answer.size();
    (void)co_await request.exchange.respond(*request.held_head, request.held_answer);
    co_return;
  }
  const bool late = request.failure == Failure::kTimeout || now() >= request.deadline;
  if (request.record.attempts > 0 && late) {
    co_await reply(request, 504, "The model server did not answer in time.", "UT",
                   "upstream_response_timeout");
    co_return;
  }
  std::string message =
      fmt::format("No model server could take the request: {}", request.last_failure);
  const bool asked = request.record.attempts > 0;
  LocalReply answer;
  answer.status = 503;
  answer.message = std::move(message);
  answer.flags = asked ? flags_or("UF") : "UH";
  answer.details = asked ? "upstream_reset_before_response_started" : "no_healthy_upstream";
  if (!asked && !request.refusal.reason.empty())
    answer.headers.add(kDroppedReasonHeader, request.refusal.reason);
  co_await reply(request, answer);
}

}  // namespace nacelle::gateway
