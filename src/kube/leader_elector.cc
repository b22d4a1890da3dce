#include "kube/leader_elector.h"

#include <algorithm>
#include <utility>

#include "async/timer.h"
#include "base/check.h"
#include "telemetry/log.h"

namespace nacelle::kube {
namespace {

using Do = LeaderElection::Do;

constexpr Duration kReleasePatience = std::chrono::seconds(2);
constexpr int kReleaseTries = 2;  // the lease may have to be read first

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

LeaderElector::LeaderElector(Client& client, LeaderElectionOptions options, Callbacks callbacks,
                             telemetry::Gauge* status)
    : client_(client),
      core_(std::move(options)),
      object_{kLeases, core_.options().name_space, core_.options().name, {}},
      callbacks_(std::move(callbacks)),
      status_(status),
      scope_(client.loop()) {
  CHECK(validate(core_.options()).ok());
  if (status_ != nullptr) status_->set(0);
}

void LeaderElector::start() { scope_.spawn(run()); }

bool LeaderElector::leads() const {
  return now().time_since_epoch().count() < leads_until_.load(std::memory_order_acquire);
}

double LeaderElector::jitter() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

async::Task<void> LeaderElector::run() {
  while (!scope_.stop_requested()) {
    publish();
    const LeaderElection::Step step = core_.next(now(), wall_now(), jitter());
    const TimePoint sent = now();
    if (step.what == Do::kWait) {
      // The end of a term is told when it comes, not at the next try.
      const TimePoint until = told_leads_ ? std::min(step.until, core_.leads_until()) : step.until;
      (void)co_await scope_.sleep(until - sent);
      continue;
    }
    const LeaderElectionOptions& options = core_.options();
    const TimePoint deadline = told_leads_ ? core_.leads_until() : sent + options.renew_deadline;
    auto answer = co_await act(&step, deadline);
    learn(step, sent, std::move(answer));
  }
}

async::Task<Result<Answer>> LeaderElector::act(const LeaderElection::Step* step,
                                               TimePoint deadline) {
  const LeaderElectionOptions& options = core_.options();
  Call call(object_path(object_));
  call.patient = false;
  if (step->what == Do::kCreate) {
    call.method = "POST";
    call.target = collection_path(kLeases, options.name_space);
  } else if (step->what == Do::kReplace) {
    call.method = "PUT";
  }
  if (step->what != Do::kGet) {
    call.content_type = "application/json";
    call.body = text_of(lease_object(step->lease, options.name_space, options.name));
  }
  co_return co_await async::with_deadline(client_.call(std::move(call)), deadline,
                                          "the call of the API server");
}

void LeaderElector::learn(const LeaderElection::Step& step, TimePoint sent, Result<Answer> answer) {
  const bool reached = answer.ok();
  if (reached && !answer->error) {
    told_failure_ = false;
    Lease lease = parse_lease(answer->body);
    if (step.what == Do::kGet) return core_.read(now(), std::move(lease));
    return core_.written(sent, now(), std::move(lease));
  }
  if (reached && step.what == Do::kGet && answer->error->absent()) {
    return core_.read(now(), std::nullopt);
  }
  if (reached && (answer->error->code == 409 || answer->error->absent())) {
    return core_.refused(now());
  }
  tell_failure(status_of(answer));
  core_.failed(now(), jitter());
}

void LeaderElector::tell_failure(const Status& why) {
  if (why.code() == Code::kCancelled || std::exchange(told_failure_, true)) return;
  log::warn("the lease of the leader election is not reached",
            {{"lease", core_.options().name}, {"why", why}, {"leads", leads()}});
}

void LeaderElector::publish() {
  leads_until_.store(core_.leads_until().time_since_epoch().count(), std::memory_order_release);
  const bool leads = core_.leads(now());
  if (core_.holder() != told_holder_) {
    told_holder_ = core_.holder();
    log::info("leader", {{"lease", core_.options().name}, {"holder", told_holder_}});
  }
  if (leads == told_leads_) return;
  told_leads_ = leads;
  if (status_ != nullptr) status_->set(leads ? 1 : 0);
  log::info(leads ? "became leader" : "stopped leading",
            {{"lease", core_.options().name}, {"identity", core_.options().identity}});
  const auto& callback = leads ? callbacks_.started : callbacks_.stopped;
  if (callback) callback();
}

async::Task<void> LeaderElector::stop() {
  scope_.stop();
  scope_.cancel();
  co_await scope_.join();
  const bool held = told_leads_;
  LeaderElection::Step step = core_.resign(wall_now());
  publish();
  if (!held) co_return;
  const TimePoint deadline = now() + kReleasePatience;
  for (int i = 0; i < kReleaseTries && step.what != Do::kWait; ++i) {
    auto answer = co_await act(&step, deadline);
    const bool read = step.what == Do::kGet;
    learn(step, now(), std::move(answer));
    if (!read) co_return;
    step = core_.resign(wall_now());
  }
}

std::string new_identity(const std::string& host) {
  std::random_device random;
  std::string uuid;
  for (int i = 0; i < 4; ++i) uuid += fmt::format("{:08x}", random());
  uuid[12] = '4';
  for (const std::size_t at : {20u, 16u, 12u, 8u}) uuid.insert(at, "-");
  return host + "_" + uuid;
}

}  // namespace nacelle::kube
