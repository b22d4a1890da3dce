#include "serve/generation/run.h"

#include "serve/http/load_report.h"

namespace nacelle::serve {
namespace {

// Gives what is ready to the answer and ends sequences whose text is complete.
void take_in(std::vector<ChoiceOutput>& batch, Generation& generation, Answer& answer) {
  for (ChoiceOutput& item : batch) {
    const std::size_t choice = item.choice;
    if (answer.add(std::move(item))) generation.stop(choice);
  }
}

async::Task<void> answer_whole(Call& call, Generation& generation, Answer& answer) {
  std::vector<ChoiceOutput> batch;
  while (!answer.finished() && !answer.failure()) {
    Status status = co_await generation.receive(batch);
    if (status.code() == Code::kCancelled) co_return;
    if (!status.ok()) {
      openai::Error error = openai::from_status(status);
      co_await call.reply_error(std::move(error));
      co_return;
    }
    take_in(batch, generation, answer);
  }
  if (answer.failure()) {
    openai::Error error = *answer.failure();
    co_await call.reply_error(std::move(error));
    co_return;
  }
  const std::string report =
      load_report(call.header("endpoint-load-metrics-format"), *generation.engine().stats());
  if (!report.empty()) call.add_header("endpoint-load-metrics", report);
  std::string body = answer.body();
  co_await call.reply_json(std::move(body));
}

async::Task<void> answer_stream(Call& call, Generation& generation, Answer& answer) {
  Status status = co_await call.start_events();
  if (!status.ok()) co_return;
  std::vector<ChoiceOutput> batch;
  std::string out;
  openai::Check failure;
  while (!answer.finished() && !failure) {
    status = co_await generation.receive(batch);
    if (status.code() == Code::kCancelled) co_return;
    out.clear();
    if (status.ok()) {
      take_in(batch, generation, answer);
      failure = answer.failure();
    } else {
      failure = openai::from_status(status);
    }
    if (!failure) answer.append_news(out);
    if (failure) openai::append_error_event(out, *failure);
    if (answer.finished() && !failure) answer.append_end(out);
    if (answer.finished() || failure) out += openai::kDoneEvent;
    status = co_await call.exchange().write(out);
    if (!status.ok()) co_return;
  }
  (void)co_await call.exchange().finish();
}

}  // namespace

async::Task<void> run_generation(Call& call, Generation& generation, Answer& answer,
                                 std::vector<engine::Request> requests,
                                 engine::Engine::Admission admission, AnswerForm form) {
  const Status submitted = generation.submit(std::move(requests), std::move(admission));
  if (!submitted.ok()) {
    openai::Error error = openai::from_status(submitted);
    co_await call.reply_error(std::move(error));
    co_return;
  }
  if (form == AnswerForm::kStream) {
    co_await answer_stream(call, generation, answer);
  } else {
    co_await answer_whole(call, generation, answer);
  }
}

}  // namespace nacelle::serve
