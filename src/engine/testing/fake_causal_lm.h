// fake_causal_lm.h: a model whose next token is a pure function of a sequence's tokens, and whose
// KV memory notices when it is read wrongly.
//
// A slot of the fake's KV memory keeps the token written there, its position, and a digest of all
// tokens up to it, as a real K and V depend on them. A row of logits is computed only from what the
// sequence's block table leads to, so a wrong table, a stale prefix hit or a block that two
// sequences write shows in the output, and violations() says where it was seen.
//
// For tests, here and in the server's.
//
// Home:  the engine loop; violations(), rows() and calls() from anywhere.
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/causal_lm.h"

namespace nacelle::engine::testing {

// What a fake saw; shared, because the engine owns the fake.
struct FakeLog {
  std::mutex mutex;
  std::vector<std::string> violations;
  std::atomic<std::uint64_t> calls{0}, rows{0};
  std::atomic<std::uint32_t> most_rows{0}, most_chunks{0}, most_logit_rows{0};

  void add(std::string violation) {
    const std::lock_guard lock(mutex);
    if (violations.size() < 10) violations.push_back(std::move(violation));
  }
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(violations, {});
  }
};

struct FakeOptions {
  std::uint32_t vocab_size = 64;
  TokenId eos_token = -1;     // given a good chance to win, when there is one
  TokenId poison_token = -1;  // a history with it has NaN logits
  bool predictable = false;   // greedily the next token is after(last): n-grams come back
  std::size_t max_kv_blocks =
      std::numeric_limits<std::size_t>::max();  // allocate_kv() fails beyond
  std::function<void()> before_forward;         // e.g. to wait or to throw
};

class FakeCausalLm final : public model::CausalLm {
 public:
  explicit FakeCausalLm(FakeOptions options = {},
                        std::shared_ptr<FakeLog> log = std::make_shared<FakeLog>())
      : options_(std::move(options)), log_(std::move(log)) {
    config_.architecture = "Fake";
    config_.vocab_size = options_.vocab_size;
  }

  [[nodiscard]] const model::ModelConfig& config() const override { return config_; }
  [[nodiscard]] DType dtype() const override { return DType::kF32; }
  [[nodiscard]] std::size_t weight_bytes() const override { return 0; }
  [[nodiscard]] std::string weight_format() const override { return "none"; }
  [[nodiscard]] std::size_t kv_bytes_per_block(std::uint32_t block_size) const override {
    return block_size * sizeof(Slot);
  }
  [[nodiscard]] Status allocate_kv(std::uint32_t num_blocks, std::uint32_t block_size) override {
    if (num_blocks > options_.max_kv_blocks) return resource_exhausted("no memory for the fake");
    num_blocks_ = num_blocks;
    block_size_ = block_size;
    slots_.assign(std::size_t{num_blocks} * block_size, {});
    return {};
  }

  void forward(const model::ForwardBatch& batch, std::span<float> logits) override {
    if (options_.before_forward) options_.before_forward();
    ++log_->calls;
    log_->rows += batch.tokens.size();
    raise(log_->most_rows, batch.tokens.size());
    raise(log_->most_chunks, batch.chunks.size());
    raise(log_->most_logit_rows, batch.logit_rows.size());
    check_shape(batch, logits);
    write_chunks(batch);
    std::size_t out = 0, c = 0;
    for (const std::uint32_t row : batch.logit_rows) {
      while (row >= batch.chunks[c].first_row + batch.chunks[c].num_tokens) ++c;
      const model::SequenceChunk& chunk = batch.chunks[c];
      const std::uint32_t position = chunk.first_position + row - chunk.first_row;
      const std::vector<TokenId> history = read_history(chunk, position);
      fill_logits(options_, history,
                  logits.subspan(out++ * config_.vocab_size, config_.vocab_size));
    }
  }

  // A cycle of five tokens, which any token leads into.
  static TokenId after(TokenId last) { return 3 + (last + 1) % 5; }

  // The row that follows `history`, without any engine.
  static void fill_logits(const FakeOptions& options, std::span<const TokenId> history,
                          std::span<float> row) {
    std::uint64_t digest = kDigestOfNothing;
    bool poisoned = false;
    for (const TokenId token : history) {
      digest = extend(digest, token);
      poisoned |= options.poison_token >= 0 && token == options.poison_token;
    }
    const TokenId likely = options.predictable && !history.empty() ? after(history.back()) : -1;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::uint64_t word = mix(digest + i * 0x9E3779B97F4A7C15u);
      row[i] = static_cast<float>(word >> 40) * 0x1p-21f - 4.0f;  // [-4, 4)
      if (static_cast<TokenId>(i) == options.eos_token) row[i] += 1.5f;
      if (static_cast<TokenId>(i) == likely) row[i] += 10;
      if (poisoned) row[i] = std::numeric_limits<float>::quiet_NaN();
    }
  }

 private:
  struct Slot {
    TokenId token = -1;
    std::uint32_t position = 0;
    std::uint64_t digest = 0;
  };
  static constexpr std::uint64_t kDigestOfNothing = 0x243F6A8885A308D3u;

  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }
  static std::uint64_t extend(std::uint64_t digest, TokenId token) {
    return mix(digest * 0x2545F4914F6CDD1Du + static_cast<std::uint64_t>(token) + 1);
  }
  static void raise(std::atomic<std::uint32_t>& most, std::size_t value) {
    if (value > most.load()) most = static_cast<std::uint32_t>(value);
  }

  void check_shape(const model::ForwardBatch& batch, std::span<float> logits) {
    std::uint32_t next_row = 0;
    for (const model::SequenceChunk& chunk : batch.chunks) {
      if (chunk.first_row != next_row || chunk.num_tokens == 0) log_->add("chunks do not tile");
      next_row += chunk.num_tokens;
    }
    if (next_row != batch.tokens.size()) log_->add("chunks do not cover the tokens");
    if (logits.size() != batch.logit_rows.size() * config_.vocab_size) log_->add("logits size");
    for (std::size_t i = 1; i < batch.logit_rows.size(); ++i) {
      if (batch.logit_rows[i] <= batch.logit_rows[i - 1]) log_->add("logit rows do not ascend");
    }
  }

  Slot* slot(const model::SequenceChunk& chunk, std::uint32_t position) {
    const std::size_t index = position / block_size_;
    if (index >= chunk.block_table.size()) {
      log_->add(
          fmt::format("position {} is beyond a table of {}", position, chunk.block_table.size()));
      return nullptr;
    }
    const std::uint32_t block = chunk.block_table[index];
    if (block == 0 || block >= num_blocks_) {
      log_->add(fmt::format("block {} in a table", block));
      return nullptr;
    }
    return &slots_[std::size_t{block} * block_size_ + position % block_size_];
  }

  void write_chunks(const model::ForwardBatch& batch) {
    std::unordered_set<const Slot*> written;
    for (const model::SequenceChunk& chunk : batch.chunks) {
      for (std::uint32_t i = 0; i < chunk.num_tokens; ++i) {
        const std::uint32_t position = chunk.first_position + i;
        Slot* const target = slot(chunk, position);
        if (target == nullptr) continue;
        if (!written.insert(target).second) log_->add("two rows write one slot");
        std::uint64_t before = kDigestOfNothing;
        if (position > 0) {
          const Slot* previous = slot(chunk, position - 1);
          if (previous == nullptr) continue;
          if (previous->position != position - 1) log_->add("a gap before a chunk");
          before = previous->digest;
        }
        const TokenId token = batch.tokens[chunk.first_row + i];
        *target = {token, position, extend(before, token)};
      }
    }
  }

  std::vector<TokenId> read_history(const model::SequenceChunk& chunk, std::uint32_t last) {
    std::vector<TokenId> history;
    std::uint64_t digest = kDigestOfNothing;
    for (std::uint32_t position = 0; position <= last; ++position) {
      const Slot* read = slot(chunk, position);
      if (read == nullptr) break;
      digest = extend(digest, read->token);
      if (read->position != position || read->digest != digest) {
        log_->add(fmt::format("position {} reads a slot of position {} with another history",
                              position, read->position));
      }
      history.push_back(read->token);
    }
    return history;
  }

  FakeOptions options_;
  std::shared_ptr<FakeLog> log_;
  model::ModelConfig config_;
  std::uint32_t num_blocks_ = 0, block_size_ = 1;
  std::vector<Slot> slots_;
};

}  // namespace nacelle::engine::testing
