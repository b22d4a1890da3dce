#include "tokenizer/decoder/decoder.h"

#include "tokenizer/decoder/byte_steps.h"
#include "tokenizer/decoder/text_steps.h"

namespace nacelle::tokenizer {
namespace {

using Steps = std::vector<std::unique_ptr<DecodeStep>>;

Status add_steps(const JsonNode& node, int depth, Steps& steps) {
  ASSIGN_OR_RETURN(const std::string_view type, node.type());
  const auto keep = [&](Result<std::unique_ptr<DecodeStep>> made) {
    if (!made.ok()) return made.error();
    steps.push_back(*std::move(made));
    return Status();
  };
  if (type == "ByteLevel") return keep(make_byte_level_step());
  if (type == "ByteFallback") return keep(make_byte_fallback_step());
  if (type == "Fuse") return keep(make_fuse_step());
  if (type == "Strip") return keep(make_strip_step(node));
  if (type == "Replace") return keep(make_replace_step(node));
  if (type == "Metaspace") return keep(make_metaspace_step(node));
  if (type == "WordPiece") return keep(make_wordpiece_step(node));
  if (type == "BPEDecoder") return keep(make_bpe_step(node));
  if (type == "Sequence") {
    if (depth >= kMaxNesting) return node.error("sequences nest too deeply");
    ASSIGN_OR_RETURN(const JsonNode list, node.member("decoders"));
    ASSIGN_OR_RETURN(const std::vector<JsonNode> items, list.items());
    for (const JsonNode& item : items) RETURN_IF_ERROR(add_steps(item, depth + 1, steps));
    return Status();
  }
  return node.error(fmt::format("unknown decoder \"{}\"", type));
}

const DecodeStep& join_step() {
  static const std::unique_ptr<DecodeStep> step = make_join_step();
  return *step;
}

}  // namespace

class DecodeStream::Sink final : public DecodeStage {
 public:
  void piece(std::string_view text, Edges) override { out += text; }
  void finish() override {}
  std::string out;
};

DecodeStream::DecodeStream(const Decoder& decoder, ByteMode mode)
    : sink_(std::make_unique<Sink>()) {
  DecodeStage* next = sink_.get();
  const auto& steps = decoder.steps();
  for (auto it = steps.rbegin(); it != steps.rend(); ++it) {
    stages_.push_back((*it)->open(mode, *next));
    next = stages_.back().get();
  }
  if (steps.empty()) stages_.push_back(join_step().open(mode, *next));
}

DecodeStream::~DecodeStream() = default;

void DecodeStream::push(std::string_view token) { stages_.back()->piece(token, {}); }
void DecodeStream::finish() { stages_.back()->finish(); }
std::string DecodeStream::take() { return std::exchange(sink_->out, {}); }

Result<Decoder> make_decoder(const JsonNode& node) {
  Steps steps;
  RETURN_IF_ERROR(add_steps(node, 0, steps));
  if (steps.empty())
    steps.push_back(make_fuse_step());  // an empty Sequence puts nothing between tokens
  return Decoder(std::move(steps));
}

}  // namespace nacelle::tokenizer
