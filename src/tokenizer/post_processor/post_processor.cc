#include "tokenizer/post_processor/post_processor.h"

namespace nacelle::tokenizer {
namespace {

Result<std::vector<TokenId>> template_token_ids(const JsonNode& owner, std::string_view name) {
  ASSIGN_OR_RETURN(const JsonNode tokens, owner.member("special_tokens"));
  const auto token = tokens.find(name);
  if (!token)
    return tokens.error(fmt::format("the template uses \"{}\", which is not listed", name));
  ASSIGN_OR_RETURN(const JsonNode ids_node, token->member("ids"));
  ASSIGN_OR_RETURN(const std::vector<JsonNode> items, ids_node.items());
  std::vector<TokenId> ids;
  for (const JsonNode& item : items) {
    ASSIGN_OR_RETURN(const std::int64_t id, item.integer(0, kMaxTokenId));
    ids.push_back(static_cast<TokenId>(id));
  }
  return ids;
}

Status add_template(const JsonNode& node, PostProcessor& out) {
  ASSIGN_OR_RETURN(const JsonNode single, node.member("single"));
  ASSIGN_OR_RETURN(const std::vector<JsonNode> items, single.items());
  PostProcessor::Template steps;
  for (const JsonNode& item : items) {
    if (const auto sequence = item.find("Sequence")) {
      ASSIGN_OR_RETURN(const std::string name, sequence->string_or("id", "A"));
      if (name != "A")
        return sequence->error(fmt::format("\"{}\" has no place in a single text", name));
      steps.push_back({.is_text = true});
    } else if (const auto special = item.find("SpecialToken")) {
      ASSIGN_OR_RETURN(const JsonNode id_node, special->member("id"));
      ASSIGN_OR_RETURN(const std::string_view name, id_node.string());
      ASSIGN_OR_RETURN(std::vector<TokenId> ids, template_token_ids(node, name));
      steps.push_back({.ids = std::move(ids)});
    } else {
      return item.error("expected {\"Sequence\": ...} or {\"SpecialToken\": ...}");
    }
  }
  out.add(std::move(steps));
  return Status();
}

// "sep": ["</s>", 2]
Result<TokenId> named_token(const JsonNode& node, std::string_view key) {
  ASSIGN_OR_RETURN(const JsonNode pair, node.member(key));
  ASSIGN_OR_RETURN(const std::vector<JsonNode> items, pair.items());
  if (items.size() != 2) return pair.error("expected [token, id]");
  ASSIGN_OR_RETURN(const std::int64_t id, items[1].integer(0, kMaxTokenId));
  return static_cast<TokenId>(id);
}

Status add_processor(const JsonNode& node, int depth, PostProcessor& out) {
  ASSIGN_OR_RETURN(const std::string_view type, node.type());
  if (type == "ByteLevel") return Status();
  if (type == "TemplateProcessing") return add_template(node, out);
  if (type == "BertProcessing" || type == "RobertaProcessing") {
    ASSIGN_OR_RETURN(const TokenId cls, named_token(node, "cls"));
    ASSIGN_OR_RETURN(const TokenId sep, named_token(node, "sep"));
    out.add({{.ids = {cls}}, {.is_text = true}, {.ids = {sep}}});
    return Status();
  }
  if (type == "Sequence") {
    if (depth >= kMaxNesting) return node.error("sequences nest too deeply");
    ASSIGN_OR_RETURN(const JsonNode list, node.member("processors"));
    ASSIGN_OR_RETURN(const std::vector<JsonNode> items, list.items());
    for (const JsonNode& item : items) RETURN_IF_ERROR(add_processor(item, depth + 1, out));
    return Status();
  }
  return node.error(fmt::format("unknown post-processor \"{}\"", type));
}

}  // namespace

void PostProcessor::apply(std::vector<TokenId>& ids) const {
  for (const Template& steps : templates_) {
    std::vector<TokenId> out;
    out.reserve(ids.size() + 8);
    for (const Item& item : steps) {
      const std::vector<TokenId>& part = item.is_text ? ids : item.ids;
      out.insert(out.end(), part.begin(), part.end());
    }
    ids = std::move(out);
  }
}

Result<PostProcessor> make_post_processor(const JsonNode& node) {
  PostProcessor out;
  RETURN_IF_ERROR(add_processor(node, 0, out));
  return out;
}

PostProcessor make_bos_eos(std::optional<TokenId> bos, std::optional<TokenId> eos) {
  PostProcessor out;
  PostProcessor::Template steps;
  if (bos) steps.push_back({.ids = {*bos}});
  steps.push_back({.is_text = true});
  if (eos) steps.push_back({.ids = {*eos}});
  if (steps.size() > 1) out.add(std::move(steps));
  return out;
}

}  // namespace nacelle::tokenizer
