#include "apps/nacelle/answer_meter.h"

#include <algorithm>

namespace nacelle::apps {

void AnswerMeter::on_piece(std::string_view piece, TimePoint now) {
  if (!good_ || piece.empty()) return;
  const bool first = !usage_;
  if (first) {
    const std::size_t text = piece.find_first_not_of(" \t\r\n");
    const bool json = text != std::string_view::npos && (piece[text] == '{' || piece[text] == '[');
    stream_ = !json;
    usage_.emplace(json ? provider::AnswerForm::kJson : provider::AnswerForm::kStream);
  }
  usage_->feed(piece);
  const std::uint64_t events = usage_->num_events();
  // A whole answer has no first token: it is complete, or it is nothing.
  if (observer_ != nullptr && stream_) {
    if (first) observer_->on_first_token(now);
    // The first event is the first token's; one event is taken for one token until the usage says
    // how many there were.
    const std::uint64_t before = std::max<std::uint64_t>(seen_, 1);
    if (events > before) observer_->on_tokens(events - before, now);
  }
  seen_ = events;
}

void AnswerMeter::on_complete(TimePoint now) {
  if (!good_ || !usage_) return;
  usage_->finish();
  const provider::TokenUsage& usage = usage_->usage();
  if (admission_ != nullptr) admission_->used(usage.input, usage.output);
  if (observer_ == nullptr) return;
  const std::uint64_t counted = std::max<std::uint64_t>(seen_, 1);
  if (seen_ > 0 && usage.output > counted) observer_->on_tokens(usage.output - counted, now);
  observer_->on_complete(now);
}

}  // namespace nacelle::apps
