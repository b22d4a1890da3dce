#include "provider/codec_translator.h"

#include "base/base64.h"
#include "provider/client_error.h"

namespace nacelle::provider {

namespace {

// What a client would have got 400 for is the backend's fault when it stands in an answer.
Status from_backend(Status status) {
  if (status.code() != Code::kInvalidArgument) return status;
  return data_loss("the backend's answer: {}", status.message());
}

}  // namespace

CodecTranslator::CodecTranslator(Endpoint endpoint, Backend backend, Context context,
                                 Framing framing, std::unique_ptr<Codec> codec)
    : endpoint_(endpoint),
      backend_(std::move(backend)),
      context_(std::move(context)),
      framing_(framing),
      codec_(std::move(codec)) {}

Result<UpstreamRequest> CodecTranslator::request(std::string_view body) {
  ASSIGN_OR_RETURN(const json::Json client, json::parse_object(body));
  RequestFacts facts{.model = json::string_member(client, "model")};
  if (facts.model.empty()) return invalid_argument("model: expected a non-empty string");
  if (!backend_.model_override.empty()) facts.model = backend_.model_override;
  if (may_stream(endpoint_) && json::bool_member(client, "stream"))
    facts.delivery = Delivery::kStreamed;
  delivery_ = facts.delivery;

  UpstreamRequest out;
  ASSIGN_OR_RETURN(const json::Json upstream, codec_->request(client, facts));
  ASSIGN_OR_RETURN(out.path, path_of(endpoint_, backend_, facts.model, facts.delivery));
  out.headers = {{"content-type", "application/json"}, {"accept-encoding", "identity"}};
  if (backend_.schema == Schema::kAnthropic)
    out.headers.push_back({"anthropic-version", "2023-06-01"});
  if (facts.delivery == Delivery::kStreamed) {
    out.headers.push_back({"accept", framing_ == Framing::kSse
                                         ? "text/event-stream"
                                         : "application/vnd.amazon.eventstream"});
  }
  out.body = json::dump(upstream);
  out.model = std::move(facts.model);
  out.delivery = facts.delivery;
  return out;
}

ResponsePlan CodecTranslator::response_head(const UpstreamHead& head) {
  codec_->set_upstream_id(head.amzn_request_id);
  error_type_ = std::string(head.amzn_error_type);
  const int status = status_ = head.status;
  ResponsePlan plan{.status = status, .content_type = "application/json", .rewritten = true};
  if (status < 200 || status >= 300) {
    mode_ = Mode::kError;
  } else if (delivery_ == Delivery::kStreamed && status == 200) {
    mode_ = Mode::kStream;
    plan.content_type = "text/event-stream";
    plan.delivery = Delivery::kStreamed;
  }
  return plan;
}

Status CodecTranslator::hold(std::string_view piece) {
  if (held_.size() + piece.size() > context_.max_answer_bytes) {
    return out_of_range("the backend's answer is larger than {} bytes", context_.max_answer_bytes);
  }
  held_.append(piece);
  return {};
}

Status CodecTranslator::chunk(std::string_view piece, std::string& out) {
  if (mode_ != Mode::kStream) return hold(piece);
  return framing_ == Framing::kSse ? sse(piece, out) : aws(piece, out);
}

Status CodecTranslator::sse(std::string_view piece, std::string& out) {
  sse_.feed(piece);
  while (const auto event = sse_.next()) {
    RETURN_IF_ERROR(from_backend(codec_->event(event->type, event->data, out)));
  }
  return sse_.status();
}

Status CodecTranslator::aws(std::string_view piece, std::string& out) {
  aws_.feed(piece);
  while (const auto message = aws_.next()) RETURN_IF_ERROR(aws_message(*message, out));
  return aws_.status();
}

Status CodecTranslator::aws_message(const aws::Message& message, std::string& out) {
  const std::string_view kind = message.header(":message-type");
  if (kind == "exception" || kind == "error") {
    std::string_view name = message.header(":exception-type");
    if (name.empty()) name = message.header(":error-code");
    const auto body = json::parse(message.payload);
    const std::string text = body ? json::string_member(*body, "message") : std::string();
    return unavailable("the backend ended the stream with {}: {}", name, text);
  }
  if (framing_ == Framing::kAwsEvents) {
    return from_backend(codec_->event(message.header(":event-type"), message.payload, out));
  }
  const auto wrapper = json::parse(message.payload);
  const std::string encoded = wrapper ? json::string_member(*wrapper, "bytes") : std::string();
  const auto event = decode_base64(encoded, Base64Padding::kOptional);
  if (!event || encoded.empty()) return data_loss("a frame of the backend holds no event");
  return from_backend(codec_->event("", *event, out));
}

Status CodecTranslator::end(std::string& out) {
  const Dialect dialect = client_dialect(endpoint_);
  if (mode_ == Mode::kStream) {
    if (framing_ != Framing::kSse && !aws_.at_boundary()) {
      return data_loss("the backend's stream ended inside a frame");
    }
    return codec_->end(out);
  }
  if (mode_ == Mode::kError) {
    out += translate_error(dialect, backend_.schema, status_, held_, error_type_);
    return {};
  }
  const auto upstream = json::parse_object(held_);
  if (!upstream) return from_backend(upstream.error());
  const auto answer = codec_->answer(*upstream);
  if (!answer) return from_backend(answer.error());
  out += json::dump(*answer);
  return {};
}

}  // namespace nacelle::provider
