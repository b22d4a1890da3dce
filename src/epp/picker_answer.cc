// picker_answer.cc: the answer's half of a stream: passed on as it comes, usage and model read on
// the side.
#include <algorithm>
#include <charconv>

#include "epp/picker_stream.h"

namespace nacelle::epp {
namespace {

std::string_view status_of(const HeaderList& headers) {
  const std::string_view status = header_in(headers, ":status");
  return status.empty() ? header_in(headers, "status") : status;
}

}  // namespace

void PickerStream::take_response_headers(const ProcessingRequest& message) {
  const HeaderList headers = headers_of(message.response_headers().headers());
  streaming_ = request_.stream || header_in(headers, "content-type").find("text/event-stream") !=
                                      std::string_view::npos;
  meter_.emplace(streaming_ ? provider::AnswerForm::kStream : provider::AnswerForm::kJson);
  restorer_.emplace(target_model_, incoming_model_);
  const std::string_view status = status_of(headers);
  answered_well_ = status.empty() || status == "200";
  (void)std::from_chars(status.data(), status.data() + status.size(), trace_.status);
  if (counted_ && !status.empty() && status != "200") {
    picker_.metrics.request_failed(labels_, "ModelServerError");
  }
  HeaderList set;
  if (placement_) {
    for (const router::HeaderValue& header : placement_->response_headers()) {
      set.emplace_back(header.name, header.value);
    }
  }
  reply(response_headers_reply(headers, set));
  if (!message.response_headers().end_of_stream()) return;
  trace_.outcome = StreamTrace::kNatural;
  end_request();
}

void PickerStream::pass_response_piece(std::string_view piece, bool end_of_stream,
                                       std::string& replies) {
  if (!first_byte_seen_ && !piece.empty()) {
    first_byte_seen_ = true;
    trace_.first_byte = picker_.clock.now();
    if (placement_) placement_->on_first_byte();
    if (counted_) {
      picker_.metrics.first_byte(labels_, streaming_, to_seconds(picker_.clock.now() - began_));
    }
  }
  response_bytes_ += piece.size();
  if (meter_) meter_->feed(piece);
  observe_piece();
  if (restorer_ && !restorer_->idle()) {
    append_body_replies(Half::kResponse, restorer_->feed(piece, end_of_stream), end_of_stream,
                        replies);
  } else {
    append_body_replies(Half::kResponse, piece, end_of_stream, replies);
  }
}

void PickerStream::end_response() {
  response_ended_ = true;
  trace_.outcome = StreamTrace::kNatural;
  if (answered_well_ && placement_ && placement_->observer() != nullptr)
    placement_->observer()->on_complete(picker_.clock.now());
  end_request();
}

// One event of a stream is taken for one token.
void PickerStream::observe_piece() {
  if (!placement_ || placement_->observer() == nullptr || !answered_well_ || !first_byte_seen_)
    return;
  if (!streaming_) return;  // complete or nothing
  const TimePoint now = picker_.clock.now();
  placement_->observer()->on_first_token(now);
  const std::uint64_t events = meter_ ? meter_->num_events() : 0;
  const std::uint64_t before = std::max<std::uint64_t>(observed_events_, 1);
  if (events > before) placement_->observer()->on_tokens(events - before, now);
  observed_events_ = events;
}

}  // namespace nacelle::epp
