#include "tokenizer/normalizer/edges.h"

#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

class Prepend final : public Normalizer {
 public:
  explicit Prepend(std::string_view prefix) : prefix_(prefix) {}

  void apply(NormalText& in_out) const override {
    if (!in_out.text.empty()) in_out.text.insert(0, prefix_);
  }

 private:
  std::string prefix_;
};

class Strip final : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}

  void apply(NormalText& in_out) const override {
    std::string& text = in_out.text;
    std::size_t begin = 0, end = text.size();
    while (left_ && begin < end) {
      const DecodedChar d = decode_valid(text.data() + begin);
      if (!is_white_space(d.code_point)) break;
      begin += d.length;
    }
    while (right_ && end > begin) {
      const std::size_t last = previous_char(text, end);
      if (!is_white_space(decode_valid(text.data() + last).code_point)) break;
      end = last;
    }
    if (begin != 0) in_out.at_origin = false;
    text.resize(end);
    text.erase(0, begin);
  }

 private:
  bool left_, right_;
};

}  // namespace

Result<std::unique_ptr<Normalizer>> make_prepend(const JsonNode& node) {
  ASSIGN_OR_RETURN(const JsonNode prefix, node.member("prepend"));
  ASSIGN_OR_RETURN(const std::string_view text, prefix.string());
  return std::unique_ptr<Normalizer>(std::make_unique<Prepend>(text));
}

Result<std::unique_ptr<Normalizer>> make_strip(const JsonNode& node) {
  ASSIGN_OR_RETURN(const bool left, node.boolean_or("strip_left", true));
  ASSIGN_OR_RETURN(const bool right, node.boolean_or("strip_right", true));
  return std::unique_ptr<Normalizer>(std::make_unique<Strip>(left, right));
}

}  // namespace nacelle::tokenizer
