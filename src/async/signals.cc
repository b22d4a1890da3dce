#include "async/signals.h"

#include <csignal>

#include <boost/asio/basic_signal_set.hpp>

namespace nacelle::async {

struct TerminationSignals::Impl {
  explicit Impl(Loop& loop) : set(loop.executor(), SIGTERM, SIGINT) {}
  boost::asio::basic_signal_set<Executor> set;
};

TerminationSignals::TerminationSignals(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}

TerminationSignals::~TerminationSignals() = default;

Task<int> TerminationSignals::next() {
  const auto [error, number] = co_await impl_->set.async_wait(as_tuple);
  co_return error ? 0 : number;
}

void TerminationSignals::cancel() { impl_->set.cancel(); }

}  // namespace nacelle::async
