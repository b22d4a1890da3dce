#include "tokenizer/normalizer/replace.h"

namespace nacelle::tokenizer {
namespace {

class Replace final : public Normalizer {
 public:
  Replace(std::unique_ptr<Pattern> pattern, std::string_view content)
      : pattern_(std::move(pattern)), content_(content) {}

  void apply(NormalText& in_out) const override {
    in_out.text = replace_all(in_out.text, *pattern_, content_);
  }

 private:
  std::unique_ptr<Pattern> pattern_;
  std::string content_;
};

}  // namespace

std::string replace_all(std::string_view text, const Pattern& pattern, std::string_view content) {
  std::vector<Span> spans;
  pattern.find_all(text, spans);
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (const Span& span : spans) {
    out.append(span.matched ? content : text.substr(span.begin, span.end - span.begin));
  }
  return out;
}

Result<std::unique_ptr<Normalizer>> make_replace(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode pattern_node, node.member("pattern"));
  ASSIGN_OR_RETURN(std::unique_ptr<Pattern> pattern, make_pattern(pattern_node));
  ASSIGN_OR_RETURN(const JsonNode content_node, node.member("content"));
  ASSIGN_OR_RETURN(const std::string_view content, content_node.string());
  return std::unique_ptr<Normalizer>(std::make_unique<Replace>(std::move(pattern), content));
}

}  // namespace nacelle::tokenizer
