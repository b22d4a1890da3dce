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

// The proxy went on to a fallback when the first endpoint could not be reached.
void PickerStream::take_served(const ProcessingRequest& message, HeaderList& set) {
  if (!message.has_metadata_context()) return;
  const auto& spaces = message.metadata_context().filter_metadata();
  const auto space = spaces.find(std::string(kMetadataNamespace));
  if (space == spaces.end()) return;
  const auto field = space->second.fields().find(std::string(kServedKey));
  if (field == space->second.fields().end()) return;
  const std::string& served = field->second.string_value();
  if (served.empty()) return;
  trace_.endpoint = served;
  if (placement_) {
    if (picker_.router.served_by(*placement_, served, header_views_, picker_.clock.now())) {
      const double tokens = in_flight_.num_tokens();
      in_flight_ =
          InFlightShare(picker_.metrics.endpoint(*series_, placement_->destinations().front(),
                                                 *picker_.router.pool()),
                        tokens);
    }
  }
  if (picker_.options.echo_served_endpoint) set.emplace_back(kServedEchoHeader, served);
}

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
    picker_.metrics.request_failed(*series_, "ModelServerError");
  }
  HeaderList set;
  take_served(message, set);
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
    in_flight_.release_tokens();
    if (counted_) {
      series_->ttft[streaming_ ? 1 : 0].observe(to_seconds(trace_.first_byte - began_));
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
  if (!streaming_ || !answered_well_ || !first_byte_seen_ || !meter_) return;
  const TimePoint now = picker_.clock.now();
  router::AnswerObserver* const observer = placement_ ? placement_->observer() : nullptr;
  if (observer != nullptr) observer->on_first_token(now);
  const std::uint64_t events = meter_->num_events();
  const std::uint64_t before = std::max<std::uint64_t>(observed_events_, 1);
  if (events > before) {
    if (observer != nullptr) observer->on_tokens(events - before, now);
    if (counted_) {
      const double gap = to_seconds(now - last_event_at_) / static_cast<double>(events - before);
      for (std::uint64_t i = before; i < events; ++i) series_->itl.observe(gap);
    }
  }
  if (events > observed_events_) last_event_at_ = now;
  observed_events_ = events;
}

void PickerStream::take_answer(const ProcessingRequest& message) {
  const TimePoint begin = picker_.clock.now();
  bool ended = false;
  if (message.has_response_headers()) {
    ended = message.response_headers().end_of_stream();
    take_response_headers(message);
  } else if (message.has_response_body()) {
    ended = message.response_body().end_of_stream();
    pass_response_piece(message.response_body().body(), ended, out_);
    if (ended) end_response();
  } else {
    ended = !response_ended_;
    if (!response_ended_ && restorer_ && !restorer_->idle()) {
      if (const std::string rest = restorer_->feed({}, true); !rest.empty()) {
        append_body_replies(Half::kResponse, rest, false, out_);
      }
    }
    reply(trailers_reply(Half::kResponse));
    trace_.outcome = StreamTrace::kNatural;
    end_request();
  }
  answering_ += picker_.clock.now() - begin;
  if (ended) picker_.metrics.response_processing.observe(to_seconds(answering_));
}

void PickerStream::tell_usage(const provider::TokenUsage& usage) {
  series_->response_size.observe(static_cast<double>(response_bytes_));
  if (!usage.reported) return;
  series_->input_tokens.observe(static_cast<double>(usage.input));
  series_->output_tokens.observe(static_cast<double>(usage.output));
  series_->cached_tokens.observe(static_cast<double>(usage.cached_input));
  if (usage.output == 0 || !first_byte_seen_) return;
  const TimePoint now = picker_.clock.now();
  const auto tokens = static_cast<double>(usage.output);
  series_->ntpot.observe(to_seconds(now - began_) / tokens);
  if (streaming_ && usage.output > 1) {
    series_->tpot.observe(to_seconds(now - trace_.first_byte) / (tokens - 1));
  }
}

}  // namespace nacelle::epp
