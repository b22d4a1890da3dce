// pass_through.h: client and backend speak the same schema.
//
// The request keeps its bytes but for `model` and, where usage must be known, stream_options. The
// answer keeps its bytes too, and is not held: usage is read on the side. When the client knows the
// model by another name, `model` is replaced in whole answers and in each event; when only we asked
// for usage in a stream, its event is left out. Audio and images may be anything: such answers are
// never changed, and read only where they are JSON or a stream of events.
#pragma once

#include "provider/translator.h"
#include "provider/usage_meter.h"

namespace nacelle::provider {

class PassThrough final : public Translator {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{1} << 20;

  PassThrough(Endpoint endpoint, Backend backend, Context context);

  [[nodiscard]] Result<UpstreamRequest> request(std::string_view body) override;
  [[nodiscard]] ResponsePlan response_head(const UpstreamHead& head) override;
  [[nodiscard]] Status chunk(std::string_view piece, std::string& out) override;
  [[nodiscard]] Status end(std::string& out) override;
  [[nodiscard]] const TokenUsage& usage() const override { return meter_.usage(); }
  [[nodiscard]] const std::string& response_model() const override { return meter_.model(); }

 private:
  enum class Mode : std::uint8_t { kRelay, kHeld, kLines, kError };

  Status hold(std::string_view piece, std::size_t limit);
  Status relay_lines(std::string_view piece, std::string& out);
  void relay_line(std::string_view line, std::string& out);

  const Endpoint endpoint_;
  const Backend backend_;
  const Context context_;
  Delivery delivery_ = Delivery::kWhole;
  Mode mode_ = Mode::kRelay;
  bool hides_usage_ = false;
  bool is_read_ = true;    // the answer is text that may tell usage
  bool left_out_ = false;  // the line before was: its empty line goes, too
  int status_ = 200;
  std::string held_;  // a whole answer, an error, or an unfinished line
  UsageMeter meter_{AnswerForm::kJson};
};

}  // namespace nacelle::provider
