#include "tokenizer/normalizer/bert.h"

#include "tokenizer/normalizer/char_map.h"
#include "tokenizer/unicode/char_class.h"
#include "tokenizer/unicode/normal_form.h"

namespace nacelle::tokenizer {
namespace {

struct BertOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

class BertNormalizer final : public Normalizer {
 public:
  explicit BertNormalizer(BertOptions options) : options_(options) {}

  void apply(NormalText& in_out) const override {
    if (options_.clean_text) {
      map_characters(in_out, [](char32_t c, std::string& out) {
        if (is_bert_control(c)) return;
        append_utf8(out, is_white_space(c) ? U' ' : c);
      });
    }
    if (options_.handle_chinese_chars) {
      map_characters(in_out, [](char32_t c, std::string& out) {
        const bool cjk = is_cjk_ideograph(c);
        if (cjk) out.push_back(' ');
        append_utf8(out, c);
        if (cjk) out.push_back(' ');
      });
    }
    if (options_.strip_accents) {
      in_out.text = to_normal_form(in_out.text, NormalForm::kNfd);
      map_characters(in_out, [](char32_t c, std::string& out) {
        if (!is_bert_accent(c)) append_utf8(out, c);
      });
    }
    if (options_.lowercase) {
      map_characters(in_out, [](char32_t c, std::string& out) { append_lower(out, c); });
    }
  }

 private:
  BertOptions options_;
};

}  // namespace

Result<std::unique_ptr<Normalizer>> make_bert_normalizer(const JsonNode& node) {
  BertOptions options;
  ASSIGN_OR_RETURN(options.clean_text, node.boolean_or("clean_text", true));
  ASSIGN_OR_RETURN(options.handle_chinese_chars, node.boolean_or("handle_chinese_chars", true));
  ASSIGN_OR_RETURN(options.lowercase, node.boolean_or("lowercase", true));
  ASSIGN_OR_RETURN(options.strip_accents, node.boolean_or("strip_accents", options.lowercase));
  return std::unique_ptr<Normalizer>(std::make_unique<BertNormalizer>(options));
}

}  // namespace nacelle::tokenizer
