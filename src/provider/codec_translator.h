// codec_translator.h: a Translator made of a Codec and the framing of the backend's streams.
#pragma once

#include <memory>
#include <optional>

#include "net/sse/event_parser.h"
#include "provider/aws/event_stream.h"
#include "provider/codec.h"

namespace nacelle::provider {

enum class Framing : std::uint8_t {
  kSse,
  kAwsEvents,         // the frame's :event-type is the event's type
  kAwsWrappedEvents,  // the frame holds {"bytes": base64 of an event with a "type" member}
};

class CodecTranslator final : public Translator {
 public:
  static constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20;

  CodecTranslator(Endpoint endpoint, Backend backend, Context context, Framing framing,
                  std::unique_ptr<Codec> codec);

  [[nodiscard]] Result<UpstreamRequest> request(std::string_view body) override;
  [[nodiscard]] ResponsePlan response_head(const UpstreamHead& head) override;
  [[nodiscard]] Status chunk(std::string_view piece, std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;
  [[nodiscard]] const TokenUsage& usage() const override { return codec_->usage(); }
  [[nodiscard]] const std::string& response_model() const override {
    return codec_->response_model();
  }

 private:
  enum class Mode : std::uint8_t { kHeld, kError, kStream };

  Status hold(std::string_view piece);
  Status sse(std::string_view piece, std::string& out);
  Status aws(std::string_view piece, std::string& out);
  Status aws_message(const aws::Message& message, std::string& out);

  const Endpoint endpoint_;
  const Backend backend_;
  const Context context_;
  const Framing framing_;
  std::unique_ptr<Codec> codec_;

  Delivery delivery_ = Delivery::kWhole;  // what the client asked for
  Mode mode_ = Mode::kHeld;
  int status_ = 200;
  std::string error_type_;
  std::string held_;
  net::sse::SseParser sse_{kMaxEventBytes};
  aws::EventStreamDecoder aws_{kMaxEventBytes};
};

}  // namespace nacelle::provider
