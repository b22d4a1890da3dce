#include "control/kube/node/event_recorder.h"

#include <chrono>
#include <utility>

#include "kube/time.h"
#include "telemetry/log.h"

namespace nacelle::control::node {
namespace {

namespace log = telemetry::log;

constexpr int kMaxTries = 12;
constexpr Duration kTryAgain = 5s;

const kube::Resource kEvents{"", "v1", "events"};

std::uint64_t unique_number() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::system_clock::now().time_since_epoch())
                                        .count());
}

std::string namespace_of(const EventSubject& subject) {
  return subject.name_space.empty() ? "default" : subject.name_space;
}

}  // namespace

EventRecorder::EventRecorder(kube::Client& client, std::string component, std::string host)
    : client_(client),
      component_(std::move(component)),
      host_(std::move(host)),
      changed_(client.loop()),
      scope_(client.loop()) {}

void EventRecorder::start() { scope_.spawn(run()); }

async::Task<void> EventRecorder::stop() {
  scope_.stop();
  changed_.set();
  co_await scope_.join();
}

void EventRecorder::record(const EventFact& fact) {
  if (waiting_.size() >= kMaxWaiting) {
    ++dropped_;
    return;
  }
  std::string time = kube::to_time(kube::wall_now());
  auto write = correlator_.record(fact, std::chrono::steady_clock::now(), unique_number(), time);
  if (!write) {
    ++dropped_;
    return;
  }
  waiting_.push_back({fact, std::move(*write), std::move(time)});
  changed_.set();
}

async::Task<void> EventRecorder::run() {
  int tries = 0;
  for (;;) {
    if (waiting_.empty()) {
      if (scope_.stop_requested()) co_return;
      changed_.reset();
      (void)co_await changed_.wait();
      continue;
    }
    const Waiting next = waiting_.front();
    const bool done = co_await write(&next);
    if (done || ++tries == kMaxTries) {
      if (!done) ++dropped_;
      waiting_.pop_front();
      tries = 0;
      continue;
    }
    if (const bool slept = co_await scope_.sleep(kTryAgain); !slept) co_return;
  }
}

async::Task<bool> EventRecorder::write(const Waiting* event) {
  const EventFact& fact = event->fact;
  if (event->write.count > 1) {
    const kube::ObjectRef ref(kEvents, namespace_of(fact.subject), event->write.name);
    kube::Json patch = {{"count", event->write.count},
                        {"lastTimestamp", event->time},
                        {"message", event->write.message}};
    const auto counted = co_await client_.patch(ref, kube::PatchType::kMerge, std::move(patch));
    if (!counted.ok()) co_return false;
    if (!counted->error) co_return true;
    if (!counted->error->absent()) co_return counted->error->code < 500;
    // It was an hour ago: the object is made again.
  }
  const auto made =
      co_await client_.create_object(kEvents, namespace_of(fact.subject), object_of(*event));
  if (!made.ok()) co_return false;
  if (!made->error || made->error->already_exists()) co_return true;
  if (made->error->code >= 500) co_return false;
  log::debug("an event is refused",
             {{"object", fact.subject.name}, {"why", made->error->to_status()}});
  co_return true;
}

kube::Json EventRecorder::object_of(const Waiting& event) const {
  const EventSubject& subject = event.fact.subject;
  kube::Json involved = {{"kind", subject.kind},
                         {"apiVersion", subject.api_version},
                         {"name", subject.name},
                         {"uid", subject.uid}};
  if (!subject.name_space.empty()) involved["namespace"] = subject.name_space;
  if (!subject.field_path.empty()) involved["fieldPath"] = subject.field_path;
  kube::Json source = {{"component", component_}};
  if (!host_.empty()) source["host"] = host_;
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", event.write.name}, {"namespace", namespace_of(subject)}}},
          {"involvedObject", std::move(involved)},
          {"type", event.fact.warning ? "Warning" : "Normal"},
          {"reason", event.fact.reason},
          {"message", event.write.message},
          {"source", std::move(source)},
          {"firstTimestamp", event.write.first_time},
          {"lastTimestamp", event.time},
          {"count", event.write.count},
          {"reportingComponent", component_},
          {"reportingInstance", host_}};
}

}  // namespace nacelle::control::node
