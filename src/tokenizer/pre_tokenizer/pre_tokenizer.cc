#include "tokenizer/pre_tokenizer/pre_tokenizer.h"

#include "tokenizer/pattern/word_scanner.h"
#include "tokenizer/pre_tokenizer/byte_level.h"
#include "tokenizer/pre_tokenizer/char_split.h"
#include "tokenizer/pre_tokenizer/metaspace.h"
#include "tokenizer/pre_tokenizer/split.h"

namespace nacelle::tokenizer {
namespace {

class PreTokenizerSequence final : public PreTokenizer {
 public:
  explicit PreTokenizerSequence(std::vector<std::unique_ptr<PreTokenizer>> steps)
      : steps_(std::move(steps)) {}

  void split(const Piece& piece, PieceList& out) const override {
    // `out` may hold earlier pieces; they wait aside while this one goes through the steps.
    std::vector<Piece> done = out.take_items();
    std::vector<Piece> current{piece};
    for (const auto& step : steps_) {
      for (const Piece& each : current) step->split(each, out);
      current = out.take_items();
    }
    for (const Piece& each : done) out.add(each);
    for (const Piece& each : current) out.add(each);
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

// Sequences flattened: nesting has no meaning of its own.
Status flatten(const JsonNode& node, int depth, std::vector<JsonNode>& steps) {
  ASSIGN_OR_RETURN(const std::string_view type, node.type());
  if (type != "Sequence") {
    steps.push_back(node);
    return Status();
  }
  if (depth >= kMaxNesting) return node.error("sequences nest too deeply");
  ASSIGN_OR_RETURN(const JsonNode list, node.member("pretokenizers"));
  ASSIGN_OR_RETURN(const std::vector<JsonNode> items, list.items());
  for (const JsonNode& item : items) RETURN_IF_ERROR(flatten(item, depth + 1, steps));
  return Status();
}

struct Step {
  std::unique_ptr<PreTokenizer> pre_tokenizer;
  const WordScanner* scanner = nullptr;  // it does the same as the step
  bool passes_through = false;           // the step does nothing
};

Result<Step> make_step(const JsonNode& node, bool bytes_left_to_model) {
  ASSIGN_OR_RETURN(const std::string_view type, node.type());
  const auto plain = [](Result<std::unique_ptr<PreTokenizer>> made) -> Result<Step> {
    if (!made.ok()) return made.error();
    return Step{*std::move(made)};
  };
  if (type == "ByteLevel") {
    ASSIGN_OR_RETURN(const ByteLevelOptions options, parse_byte_level(node));
    const auto alphabet = bytes_left_to_model ? ByteAlphabet::kLeftToModel : ByteAlphabet::kAsChars;
    Step step{make_byte_level(options, alphabet)};
    if (bytes_left_to_model && !options.add_prefix_space) {
      step.scanner = options.use_regex ? find_known_scanner(kGpt2Regex) : nullptr;
      step.passes_through = !options.use_regex;
    }
    return step;
  }
  if (type == "Split") {
    ASSIGN_OR_RETURN(std::unique_ptr<Split> split, Split::from_json(node));
    const WordScanner* scanner = split->scanner();
    return Step{std::move(split), scanner};
  }
  if (type == "Metaspace") {
    ASSIGN_OR_RETURN(MetaspaceOptions options, parse_metaspace(node));
    return Step{make_metaspace(std::move(options))};
  }
  if (type == "Digits") return plain(make_digits(node));
  if (type == "Punctuation") return plain(make_punctuation(node));
  if (type == "CharDelimiterSplit") return plain(make_char_delimiter(node));
  if (type == "Whitespace") return plain(make_whitespace());
  if (type == "WhitespaceSplit") return plain(make_whitespace_split());
  if (type == "BertPreTokenizer") return plain(make_bert_pre_tokenizer());
  return node.error(fmt::format("unknown pre-tokenizer \"{}\"", type));
}

}  // namespace

Result<PreTokenizerPlan> make_pre_tokenizer(const JsonNode& node, ByteAlphabet alphabet) {
  std::vector<JsonNode> nodes;
  RETURN_IF_ERROR(flatten(node, 0, nodes));
  PreTokenizerPlan plan;
  std::vector<std::unique_ptr<PreTokenizer>> steps;
  std::vector<const WordScanner*> scanners;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    ASSIGN_OR_RETURN(const std::string_view type, nodes[i].type());
    const bool last_byte_level = i + 1 == nodes.size() && type == "ByteLevel";
    const bool left_to_model = last_byte_level && alphabet == ByteAlphabet::kLeftToModel;
    plan.model_reads_bytes |= left_to_model;
    ASSIGN_OR_RETURN(Step step, make_step(nodes[i], left_to_model));
    if (step.passes_through) continue;
    scanners.push_back(step.scanner);
    steps.push_back(std::move(step.pre_tokenizer));
  }
  if (steps.size() == 1) {
    plan.scanner = scanners[0];
    plan.pre_tokenizer = std::move(steps[0]);
  } else if (!steps.empty()) {
    plan.pre_tokenizer = std::make_unique<PreTokenizerSequence>(std::move(steps));
  }
  return plan;
}

}  // namespace nacelle::tokenizer
