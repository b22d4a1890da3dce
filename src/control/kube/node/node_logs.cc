#include "control/kube/node/node_logs.h"

#include <algorithm>
#include <utility>

#include "async/timer.h"

namespace nacelle::control::node {
namespace {

using Door = SourceDoor<LogSource>;

TimePoint now() { return std::chrono::steady_clock::now(); }

class LogStream final : public kube::PodLogStream {
 public:
  LogStream(async::Loop& loop, std::shared_ptr<Door> door, LogSource::Opened opened, bool follow)
      : loop_(loop), door_(std::move(door)), opened_(std::move(opened)), follow_(follow) {}

  async::Task<Result<std::optional<std::string>>> next(TimePoint deadline) override {
    for (;;) {
      std::string text = opened_.reader.next(NodeLogs::kPieceBytes);
      if (!text.empty() || !follow_ || opened_.reader.exhausted()) {
        co_return std::optional<std::string>(std::move(text));
      }
      // What came between the last read and the end of the run is read once more.
      const bool more = co_await goes_on();
      if (!more) {
        follow_ = false;
        continue;
      }
      const TimePoint current = now();
      if (current >= deadline) co_return std::optional<std::string>();
      co_await async::sleep_for(std::min<Duration>(NodeLogs::kPoll, deadline - current));
    }
  }

 private:
  async::Task<bool> goes_on() {
    auto ask = [uid = opened_.uid, container = opened_.container,
                run = opened_.run](LogSource& source) -> Result<bool> {
      return source.log_goes_on(uid, container, run);
    };
    const Result<bool> answer = co_await Door::ask<bool>(door_, &loop_, std::move(ask));
    co_return answer.ok() && *answer;
  }

  async::Loop& loop_;
  const std::shared_ptr<Door> door_;
  LogSource::Opened opened_;
  bool follow_;
};

}  // namespace

async::Task<Result<std::unique_ptr<kube::PodLogStream>>> NodeLogs::open(async::Loop& loop,
                                                                        kube::PodLogQuery query) {
  const bool follow = query.follow;
  auto ask = [query = std::move(query)](LogSource& source) { return source.open_log(query); };
  Result<LogSource::Opened> opened =
      co_await Door::ask<LogSource::Opened>(door_, &loop, std::move(ask));
  if (!opened.ok()) co_return opened.error();
  co_return std::make_unique<LogStream>(loop, door_, std::move(*opened), follow);
}

}  // namespace nacelle::control::node
