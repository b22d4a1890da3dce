// prompt_tokenizer.h: the tokens that an engine will make of a request's body, in this process.
//
// The same parser, templates and tokenizer that `nacelle serve` uses (openai/, prompt/,
// tokenizer/), with a cache over the pieces of prompts.
//
// Home:    thread-safe: immutable but for the cache. CPU work: 1 ms for some 20 KB of new text;
//          tokenize() takes bodies above kInlineBytes to the work pool.
// Errors:  what the engine would answer (400). The router then picks without tokens and lets the
//          engine say it.
// Bounds:  Options::cache_bytes; prompts beyond Options::max_text_bytes are refused.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "async/work_pool.h"
#include "base/token.h"
#include "openai/error.h"
#include "prompt/prompt_sources.h"
#include "router/tokens/piece_cache.h"

namespace nacelle::router {

enum class PromptKind { kChat, kCompletion };

struct PromptTokens {
  // One list per prompt: a completion request may have several.
  std::vector<std::vector<TokenId>> prompts;
  std::string cache_salt;
};

class PromptTokenizer {
 public:
  struct Options {
    std::size_t cache_bytes = std::size_t{64} << 20;
    std::size_t max_text_bytes = std::size_t{16} << 20;
    bool trust_request_chat_template = false;
  };
  static constexpr std::size_t kInlineBytes = 2048;

  PromptTokenizer(prompt::PromptSources sources, const Options& options);

  // From a model folder; `chat_template` as --chat-template. Reads files: start-up or work pool.
  [[nodiscard]] static Result<std::shared_ptr<PromptTokenizer>> load(
      const std::filesystem::path& model_dir, const std::string& chat_template,
      const Options& options);

  // On the calling thread.
  [[nodiscard]] openai::Parsed<PromptTokens> tokenize_now(PromptKind kind, std::string_view body);
  // On the work pool where the body is long. The work keeps both alive should the task go away.
  [[nodiscard]] static async::Task<openai::Parsed<PromptTokens>> tokenize(
      std::shared_ptr<PromptTokenizer> self, async::WorkPool& pool, PromptKind kind,
      std::shared_ptr<const std::string> body);

  // Text as the model reads it to tokens.
  [[nodiscard]] std::vector<TokenId> encode(std::string_view text, bool add_special_tokens);

  [[nodiscard]] PieceCache::Stats cache_stats() const { return cache_.stats(); }
  [[nodiscard]] const prompt::PromptSources& sources() const { return sources_; }

 private:
  openai::Parsed<PromptTokens> chat(std::string_view body);
  openai::Parsed<PromptTokens> completion(std::string_view body);
  openai::Check check_size(std::size_t bytes) const;

  const prompt::PromptSources sources_;
  const Options options_;
  PieceCache cache_;
};

}  // namespace nacelle::router
