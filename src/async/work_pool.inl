// work_pool.inl: implementation of WorkPool::run (async/work_pool.h).
#pragma once

namespace nacelle::async {

namespace detail {

template <class F>
struct PoolCall {
  using R = std::invoke_result_t<F&>;

  PoolCall(F f, Loop& home) : fn(std::move(f)), loop(&home) {}

  F fn;
  Loop* loop;
  Waiter done;                          // loop
  bool finished = false;                // loop
  std::optional<FlatResult<R>> result;  // written on the pool thread before the post to the loop
};

template <class F>
class PoolCallJob final : public WorkPoolJob {
 public:
  explicit PoolCallJob(std::shared_ptr<PoolCall<F>> call) : call_(std::move(call)) {}

  void run() noexcept override {
    using R = typename PoolCall<F>::R;
    try {
      if constexpr (std::is_void_v<R>) {
        call_->fn();
        call_->result.emplace(Status());
      } else {
        call_->result.emplace(call_->fn());
      }
    } catch (const std::exception& error) {
      call_->result.emplace(internal("work on the pool threw: {}", error.what()));
    } catch (...) {
      call_->result.emplace(internal("work on the pool threw"));
    }
    Loop* loop = call_->loop;
    loop->post([call = std::move(call_)] {
      call->finished = true;
      call->done.resume();
    });
  }

 private:
  std::shared_ptr<PoolCall<F>> call_;
};

}  // namespace detail

template <class F>
Task<FlatResult<std::invoke_result_t<F&>>> WorkPool::run(F fn) {
  Loop* loop = Loop::current();
  CHECK(loop != nullptr);
  auto call = std::make_shared<detail::PoolCall<F>>(std::move(fn), *loop);
  CO_RETURN_IF_ERROR(submit(std::make_unique<detail::PoolCallJob<F>>(call)));
  while (!call->finished) {
    const bool resumed = co_await call->done.wait();
    if (!resumed) co_return cancelled("waiting for the work pool was cancelled");
  }
  co_return std::move(*call->result);
}

}  // namespace nacelle::async
