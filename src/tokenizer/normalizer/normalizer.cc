#include "tokenizer/normalizer/normalizer.h"

#include <vector>

#include "tokenizer/normalizer/bert.h"
#include "tokenizer/normalizer/char_map.h"
#include "tokenizer/normalizer/edges.h"
#include "tokenizer/normalizer/precompiled.h"
#include "tokenizer/normalizer/replace.h"
#include "tokenizer/unicode/normal_form.h"

namespace nacelle::tokenizer {
namespace {

class UnicodeForm final : public Normalizer {
 public:
  explicit UnicodeForm(NormalForm form) : form_(form) {}
  void apply(NormalText& in_out) const override {
    in_out.text = to_normal_form(in_out.text, form_);
  }

 private:
  NormalForm form_;
};

class NormalizerSequence final : public Normalizer {
 public:
  explicit NormalizerSequence(std::vector<std::unique_ptr<Normalizer>> steps)
      : steps_(std::move(steps)) {}

  void apply(NormalText& in_out) const override {
    for (const auto& step : steps_) step->apply(in_out);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

Result<std::unique_ptr<Normalizer>> make_sequence(const JsonNode& node, int depth) {
  if (depth >= kMaxNesting) return node.error("sequences nest too deeply");
  ASSIGN_OR_RETURN(const JsonNode list, node.member("normalizers"));
  ASSIGN_OR_RETURN(const std::vector<JsonNode> items, list.items());
  std::vector<std::unique_ptr<Normalizer>> steps;
  for (const JsonNode& item : items) {
    ASSIGN_OR_RETURN(std::unique_ptr<Normalizer> step, make_normalizer(item, depth + 1));
    steps.push_back(std::move(step));
  }
  return std::unique_ptr<Normalizer>(std::make_unique<NormalizerSequence>(std::move(steps)));
}

}  // namespace

Result<std::unique_ptr<Normalizer>> make_normalizer(const JsonNode& node, int depth) {
  ASSIGN_OR_RETURN(const std::string_view type, node.type());
  const auto form = [](NormalForm f) -> std::unique_ptr<Normalizer> {
    return std::make_unique<UnicodeForm>(f);
  };
  if (type == "NFC") return form(NormalForm::kNfc);
  if (type == "NFD") return form(NormalForm::kNfd);
  if (type == "NFKC") return form(NormalForm::kNfkc);
  if (type == "NFKD") return form(NormalForm::kNfkd);
  if (type == "Sequence") return make_sequence(node, depth);
  if (type == "Lowercase") return make_lowercase();
  if (type == "StripAccents") return make_strip_accents();
  if (type == "Nmt") return make_nmt();
  if (type == "ByteLevel") return make_byte_level_normalizer();
  if (type == "BertNormalizer") return make_bert_normalizer(node);
  if (type == "Prepend") return make_prepend(node);
  if (type == "Strip") return make_strip(node);
  if (type == "Replace") return make_replace(node);
  if (type == "Precompiled") return make_precompiled(node);
  return node.error(fmt::format("unknown normalizer \"{}\"", type));
}

}  // namespace nacelle::tokenizer
