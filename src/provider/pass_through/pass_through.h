// pass_through.h: client and backend speak the same schema.
//
// The request keeps its bytes but for `model` and, where usage must be known, stream_options. The
// answer keeps its bytes too, and is not held: usage is read on the side. Only when the client
// knows the model by another name is `model` replaced in whole answers and in each event.
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
  void relay_line(std::string_view line, std::string& out) const;

  const Endpoint endpoint_;
  const Backend backend_;
  const Context context_;
  Delivery delivery_ = Delivery::kWhole;
  Mode mode_ = Mode::kRelay;
  int status_ = 200;
  std::string held_;  // a whole answer, an error, or an unfinished line
  UsageMeter meter_{AnswerForm::kJson};
};

}  // namespace nacelle::provider
