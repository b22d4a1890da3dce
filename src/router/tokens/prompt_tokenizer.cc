#include "router/tokens/prompt_tokenizer.h"

#include "openai/chat_request.h"
#include "openai/completion_request.h"
#include "prompt/chat_prompt.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kPieceBytes = 256;  // shorter ones cost more to look up than to tokenise

// The newest tokens stay, as in the engine. -1 depends on the engine's own context length.
void truncate(const openai::SamplingFields& fields, std::vector<TokenId>& tokens) {
  if (!fields.truncate_prompt_tokens || *fields.truncate_prompt_tokens < 0) return;
  const auto keep = static_cast<std::size_t>(*fields.truncate_prompt_tokens);
  if (tokens.size() > keep) {
    tokens.erase(tokens.begin(), tokens.end() - static_cast<std::ptrdiff_t>(keep));
  }
}

}  // namespace

PromptTokenizer::PromptTokenizer(prompt::PromptSources sources, const Options& options)
    : sources_(std::move(sources)), options_(options), cache_(options.cache_bytes) {}

Result<std::shared_ptr<PromptTokenizer>> PromptTokenizer::load(
    const std::filesystem::path& model_dir, const std::string& chat_template,
    const Options& options) {
  ASSIGN_OR_RETURN(prompt::PromptSources sources,
                   prompt::load_prompt_sources(model_dir, chat_template));
  return std::make_shared<PromptTokenizer>(std::move(sources), options);
}

openai::Check PromptTokenizer::check_size(std::size_t bytes) const {
  if (bytes <= options_.max_text_bytes) return {};
  return openai::value_error(fmt::format("The prompt has {} bytes, the router tokenises up to {}.",
                                         bytes, options_.max_text_bytes));
}

std::vector<TokenId> PromptTokenizer::encode(std::string_view text, bool add_special_tokens) {
  const tokenizer::Tokenizer& tokenizer = *sources_.tokenizer;
  if (add_special_tokens || text.size() < 2 * kPieceBytes) {
    return tokenizer.encode(text, {.add_special_tokens = add_special_tokens});
  }
  const auto pieces = tokenizer.independent_pieces(text, kPieceBytes);
  std::vector<TokenId> tokens;
  tokens.reserve(text.size() / 3 + 8);
  for (const std::string_view piece : pieces) {
    const PieceCache::Key key = PieceCache::key_of(piece);
    if (cache_.find(key, tokens)) continue;
    std::vector<TokenId> fresh = tokenizer.encode(piece, {.add_special_tokens = false});
    fresh.shrink_to_fit();
    tokens.insert(tokens.end(), fresh.begin(), fresh.end());
    cache_.insert(key, std::move(fresh));
  }
  return tokens;
}

openai::Parsed<PromptTokens> PromptTokenizer::chat(std::string_view body) {
  // Tools are rendered whether or not the engine's flags let it answer with calls.
  auto request = openai::parse_chat_request(
      body, {},
      {.trust_request_chat_template = options_.trust_request_chat_template,
       .enable_auto_tool_choice = true});
  if (!request) return request.error();
  auto text = prompt::render_chat_prompt(sources_, request->prompt, request->tool_choice);
  if (!text) return text.error();
  if (openai::Check bad = check_size(text->size())) return *bad;
  PromptTokens out;
  out.prompts.push_back(encode(*text, request->prompt.add_special_tokens));
  truncate(request->sampling, out.prompts.back());
  out.cache_salt = request->common.cache_salt.value_or("");
  return out;
}

openai::Parsed<PromptTokens> PromptTokenizer::completion(std::string_view body) {
  auto request = openai::parse_completion_request(body, {});
  if (!request) return request.error();
  PromptTokens out;
  out.cache_salt = request->common.cache_salt.value_or("");
  for (const openai::Prompt& prompt : request->prompts) {
    if (const auto* text = std::get_if<std::string>(&prompt)) {
      if (openai::Check bad = check_size(text->size())) return *bad;
      out.prompts.push_back(encode(*text, request->add_special_tokens));
    } else {
      const auto& ids = std::get<std::vector<std::int64_t>>(prompt);
      out.prompts.emplace_back();
      for (const std::int64_t id : ids) out.prompts.back().push_back(static_cast<TokenId>(id));
    }
    truncate(request->sampling, out.prompts.back());
  }
  return out;
}

openai::Parsed<PromptTokens> PromptTokenizer::tokenize_now(PromptKind kind, std::string_view body) {
  return kind == PromptKind::kChat ? chat(body) : completion(body);
}

async::Task<openai::Parsed<PromptTokens>> PromptTokenizer::tokenize(
    std::shared_ptr<PromptTokenizer> self, async::WorkPool& pool, PromptKind kind,
    std::shared_ptr<const std::string> body) {
  if (body->size() <= kInlineBytes) co_return self->tokenize_now(kind, *body);
  auto work = [self, kind, body] { return self->tokenize_now(kind, *body); };
  Result<openai::Parsed<PromptTokens>> done = co_await pool.run(std::move(work));
  if (!done) co_return openai::from_status(done.error());
  co_return std::move(*done);
}

}  // namespace nacelle::router
