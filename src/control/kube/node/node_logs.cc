#include "control/kube/node/node_logs.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "async/mailbox.h"
#include "async/timer.h"

namespace nacelle::control::node {
namespace {

// The agents' loop answers within a turn; when it does not, something holds it.
constexpr Duration kPatience = 10s;

TimePoint now() { return std::chrono::steady_clock::now(); }

}  // namespace

struct NodeLogs::Shared {
  std::mutex mutex;
  async::Loop* home = nullptr;  // guarded; null while detached
  LogSource* source = nullptr;  // home loop
};

namespace {

Status gone() { return unavailable("the node is not running"); }

// Calls `ask` with the source on its loop and waits for what it answers.
template <class T, class Ask>
async::Task<Result<T>> ask_home(async::Loop* here, std::shared_ptr<NodeLogs::Shared> shared,
                                Ask ask) {
  auto answer = std::make_shared<async::Mailbox<Result<T>>>(*here, 1);
  {
    std::lock_guard lock(shared->mutex);
    if (shared->home == nullptr) co_return gone();
    shared->home->post([shared, answer, ask = std::move(ask)]() mutable {
      LogSource* source = shared->source;
      (void)answer->post(source == nullptr ? Result<T>(gone()) : ask(*source));
    });
  }
  std::vector<Result<T>> batch;
  CO_RETURN_IF_ERROR(co_await answer->receive(batch, now() + kPatience));
  co_return std::move(batch.front());
}

class LogStream final : public kube::PodLogStream {
 public:
  LogStream(async::Loop& loop, std::shared_ptr<NodeLogs::Shared> shared, LogSource::Opened opened,
            bool follow)
      : loop_(loop), shared_(std::move(shared)), opened_(std::move(opened)), follow_(follow) {}

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
    const Result<bool> answer = co_await ask_home<bool>(&loop_, shared_, std::move(ask));
    co_return answer.ok() && *answer;
  }

  async::Loop& loop_;
  const std::shared_ptr<NodeLogs::Shared> shared_;
  LogSource::Opened opened_;
  bool follow_;
};

}  // namespace

NodeLogs::NodeLogs() : shared_(std::make_shared<Shared>()) {}
NodeLogs::~NodeLogs() = default;

void NodeLogs::attach(async::Loop& loop, LogSource& source) {
  std::lock_guard lock(shared_->mutex);
  shared_->source = &source;
  shared_->home = &loop;
}

void NodeLogs::detach() {
  std::lock_guard lock(shared_->mutex);
  shared_->home = nullptr;
  shared_->source = nullptr;
}

async::Task<Result<std::unique_ptr<kube::PodLogStream>>> NodeLogs::open(async::Loop& loop,
                                                                        kube::PodLogQuery query) {
  const bool follow = query.follow;
  auto ask = [query = std::move(query)](LogSource& source) { return source.open_log(query); };
  Result<LogSource::Opened> opened =
      co_await ask_home<LogSource::Opened>(&loop, shared_, std::move(ask));
  if (!opened.ok()) co_return opened.error();
  co_return std::make_unique<LogStream>(loop, shared_, std::move(*opened), follow);
}

}  // namespace nacelle::control::node
