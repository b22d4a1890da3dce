// Random arrivals, aborts and ends against tiny pools and budgets: what must hold in every step.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "engine/core/scheduler.h"
#include "engine/core/testing/property.h"

namespace nacelle::engine {
namespace {

using testing::chance;
using testing::pick;
using testing::Random;

struct World {
  explicit World(Random& random_source) : random(random_source) {
    options.max_num_batched_tokens = pick(random, 1, 24);
    options.max_num_seqs = pick(random, 1, 6);
    options.max_model_len = pick(random, 8, 80);
    options.long_prefill_token_threshold = chance(random, 0.3) ? pick(random, 1, 8) : 0;
    options.enable_chunked_prefill = chance(random, 0.8);
    options.reserve_full_prompt = chance(random, 0.5);
    options.max_prompt_rows = pick(random, 1, 8);
    options.max_draft_tokens = chance(random, 0.5) ? pick(random, 1, 12) : 0;
    options.policy = chance(random, 0.5) ? SchedulingPolicy::kFcfs : SchedulingPolicy::kPriority;
    cache_options.num_blocks = pick(random, 2, 24);
    cache_options.block_size = pick(random, 1, 6);
    cache_options.enable_prefix_caching = chance(random, 0.8);
    cache_options.record_events = true;
    content.resize(cache_options.num_blocks * cache_options.block_size, -1);
    scheduler.emplace(options,
                      KvCache(cache_options, BlockHasher(HashAlgorithm::kXxhashCbor, "0")));
  }

  struct Live {
    std::uint32_t outputs_left;
    Urgency urgency;
    std::uint32_t computed = 0;
    bool admitted = false;  // at least once
    bool waiting = true;
    std::uint32_t next_prompt_row = 0, prompt_rows_end = 0;
  };

  void arrive() {
    NewSequence sequence{.id = SequenceId{next_id++}};
    // Three families with common beginnings: prefixes are shared a lot, but a slot with the content
    // of another family or position is noticed.
    const std::uint32_t size = pick(random, 1, options.max_model_len - 1);
    const std::uint32_t family = 1000 * pick(random, 1, 3);
    for (std::uint32_t i = 0; i < size; ++i) {
      sequence.prompt.push_back(
          static_cast<TokenId>(chance(random, 0.97) ? family + i : pick(random, 0, 2)));
    }
    sequence.priority = static_cast<std::int64_t>(pick(random, 0, 3));
    sequence.arrival = TimePoint(Duration(pick(random, 0, 3)));
    if (chance(random, 0.2)) sequence.cache_salt = "salt";
    sequence.wants_prompt_rows = chance(random, 0.2);
    Live entry{.outputs_left = pick(random, 1, options.max_model_len - size)};
    entry.urgency = options.policy == SchedulingPolicy::kFcfs
                        ? Urgency{0, {}, sequence.id}
                        : Urgency{sequence.priority, sequence.arrival, sequence.id};
    if (chance(random, 0.5)) sequence.max_num_tokens = size + entry.outputs_left;
    if (sequence.wants_prompt_rows) entry.prompt_rows_end = size - 1;
    live[sequence.id] = entry;
    scheduler->add(std::move(sequence));
  }

  void remove(SequenceId id) {
    scheduler->finish(id, chance(random, 0.1) ? KeepCache::kNo : KeepCache::kYes);
    live.erase(id);
  }

  // What forward() would do to the KV memory, and what its attention would read.
  void run_model(const StepPlan& plan) {
    const std::uint32_t block_size = cache_options.block_size;
    const auto slot = [&](const Sequence& sequence, std::uint32_t position) -> TokenId& {
      return content[sequence.blocks[position / block_size].value * block_size +
                     position % block_size];
    };
    const auto token = [](const Sequence& sequence, std::uint32_t position) {
      return position < sequence.num_tokens() ? sequence.tokens[position]
                                              : sequence.drafts[position - sequence.num_tokens()];
    };
    for (const ScheduledChunk& chunk : plan.chunks) {
      const Sequence& sequence = *scheduler->find(chunk.sequence);
      for (std::uint32_t i = 0; i < chunk.num_tokens; ++i) {
        const std::uint32_t position = chunk.first_token + i;
        slot(sequence, position) = token(sequence, position);
      }
    }
    for (const ScheduledChunk& chunk : plan.chunks) {
      const Sequence& sequence = *scheduler->find(chunk.sequence);
      for (std::uint32_t position = 0; position < chunk.first_token + chunk.num_tokens;
           ++position) {
        ASSERT_EQ(slot(sequence, position), token(sequence, position)) << "position " << position;
      }
    }
  }

  void check_limits(const StepPlan& plan) {
    std::uint32_t tokens = 0, rows = 0, drafts = 0;
    std::set<SequenceId> seen;
    for (const ScheduledChunk& chunk : plan.chunks) {
      tokens += chunk.num_tokens;
      rows += chunk.num_prompt_rows;
      drafts += chunk.num_draft_tokens;
      ASSERT_LT(chunk.num_draft_tokens, chunk.num_tokens);
      ASSERT_LE(chunk.first_token + chunk.num_tokens, options.max_model_len - 1);
      ASSERT_GT(chunk.num_tokens, 0u);
      ASSERT_TRUE(seen.insert(chunk.sequence).second);
      if (options.long_prefill_token_threshold > 0) {
        ASSERT_LE(chunk.num_tokens, options.long_prefill_token_threshold);
      }
    }
    ASSERT_EQ(tokens, plan.num_tokens);
    ASSERT_LE(tokens, options.max_num_batched_tokens);
    ASSERT_LE(rows, options.max_prompt_rows);
    ASSERT_LE(drafts, options.max_draft_tokens);
    ASSERT_LE(scheduler->num_running(), options.max_num_seqs);
    for (const SequenceId id : plan.preempted) ASSERT_FALSE(seen.contains(id));
  }

  void check_blocks() {
    std::vector<std::uint32_t> references(cache_options.num_blocks, 0);
    for (const auto& [id, entry] : live) {
      const Sequence* sequence = scheduler->find(id);
      ASSERT_NE(sequence, nullptr);
      for (const std::uint32_t block : sequence->blocks.raw()) ++references[block];
      if (entry.waiting) {
        ASSERT_EQ(sequence->blocks.size(), 0u);
      }
    }
    ASSERT_EQ(references[0], 0u);
    std::uint32_t free = 0;
    for (std::uint32_t block = 1; block < cache_options.num_blocks; ++block) {
      ASSERT_EQ(scheduler->cache().pool().references(BlockId{block}), references[block]);
      free += references[block] == 0 ? 1 : 0;
    }
    ASSERT_EQ(scheduler->cache().pool().num_free(), free);
  }

  // Applies the plan to what the test knows, checking order on the way.
  void apply(const StepPlan& plan) {
    for (const auto& [id, why] : plan.failed) {
      ASSERT_EQ(why.code(), Code::kResourceExhausted);
      ASSERT_EQ(scheduler->find(id), nullptr);
      live.erase(id);
    }
    for (const SequenceId id : plan.preempted) {
      live.at(id).waiting = true;
      live.at(id).computed = 0;
    }
    for (const ScheduledChunk& chunk : plan.chunks) {
      Live& entry = live.at(chunk.sequence);
      if (entry.waiting) {
        ASSERT_TRUE(plan.preempted.empty());
        for (const auto& [id, other] : live) {
          if (other.waiting) {
            ASSERT_LE(entry.urgency, other.urgency);
          }
        }
        ASSERT_EQ(chunk.first_token % cache_options.block_size, 0u);
        entry.waiting = false;
        entry.admitted = true;
      } else {
        ASSERT_EQ(chunk.first_token, entry.computed);
      }
      entry.computed = chunk.first_token + chunk.num_tokens;
      if (chunk.num_prompt_rows > 0) {
        ASSERT_EQ(chunk.first_prompt_row, entry.next_prompt_row);
        ASSERT_GE(chunk.first_prompt_row, chunk.first_token);
        ASSERT_LE(chunk.first_prompt_row + chunk.num_prompt_rows, entry.computed);
        entry.next_prompt_row += chunk.num_prompt_rows;
      }
    }
  }

  void sample(const StepPlan& plan) {
    for (const ScheduledChunk& chunk : plan.chunks) {
      Live& entry = live.at(chunk.sequence);
      const std::uint32_t known = entry.computed - chunk.num_draft_tokens;
      ASSERT_EQ(scheduler->find(chunk.sequence)->num_tokens() == known, chunk.samples);
      if (!chunk.samples) {
        ASSERT_EQ(chunk.num_draft_tokens, 0u);
        continue;
      }
      ASSERT_EQ(entry.next_prompt_row, entry.prompt_rows_end);  // all owed rows came before
      ASSERT_LE(chunk.num_draft_tokens + 1, most_outputs(chunk.sequence));
      verify_drafts(chunk, entry);
    }
  }

  std::uint32_t most_outputs(SequenceId id) {
    const Sequence& sequence = *scheduler->find(id);
    return sequence.max_num_tokens - sequence.num_tokens();
  }

  // Some of the first drafts turn out right, then comes another token; an end may cut them off.
  void verify_drafts(const ScheduledChunk& chunk, Live& entry) {
    const Sequence& sequence = scheduler->at(chunk.slot);
    std::vector<TokenId> yielded(sequence.drafts.begin(),
                                 sequence.drafts.begin() + pick(random, 0, chunk.num_draft_tokens));
    const auto rejected = chunk.num_draft_tokens - static_cast<std::uint32_t>(yielded.size());
    yielded.push_back(static_cast<TokenId>(pick(random, 0, 2)));
    scheduler->reject_drafts(chunk.slot, rejected);
    entry.computed -= rejected;
    num_accepted += yielded.size() - 1;
    for (const TokenId token : yielded) {
      scheduler->append_token(chunk.slot, token);
      if (--entry.outputs_left == 0) return remove(chunk.sequence);
    }
    ASSERT_EQ(sequence.num_computed + 1, sequence.num_tokens());
    if (options.max_draft_tokens == 0 || chance(random, 0.3)) return;
    std::vector<TokenId> drafts(pick(random, 0, 8));
    for (TokenId& token : drafts) token = static_cast<TokenId>(pick(random, 0, 2));
    scheduler->set_drafts(chunk.slot, drafts);
  }

  void step() {
    const StepPlan plan = scheduler->plan_step();
    ASSERT_TRUE(!plan.chunks.empty() || !plan.preempted.empty() || !plan.failed.empty());
    check_limits(plan);
    apply(plan);
    if (::testing::Test::HasFatalFailure()) return;
    run_model(plan);
    check_blocks();
    if (::testing::Test::HasFatalFailure()) return;
    sample(plan);
    mirror_events();
  }

  // Whoever follows the events knows the index: the hashes in it, each once.
  void mirror_events() {
    for (const CacheEvent& event : scheduler->take_cache_events()) {
      if (const auto* stored = std::get_if<BlocksStored>(&event)) {
        mirror.insert(stored->hashes.begin(), stored->hashes.end());
      } else if (const auto* removed = std::get_if<BlockRemoved>(&event)) {
        ASSERT_EQ(mirror.erase(removed->hash), 1u);
      } else {
        mirror.clear();
      }
    }
    std::set<BlockHash> held;
    for (std::uint32_t block = 1; block < cache_options.num_blocks; ++block) {
      const BlockHash* hash = scheduler->cache().index().hash_of(BlockId{block});
      if (hash != nullptr) held.insert(*hash);
    }
    ASSERT_EQ(mirror, held);
  }

  Random& random;
  SchedulerOptions options;
  KvCacheOptions cache_options;
  std::optional<Scheduler> scheduler;
  std::map<SequenceId, Live> live;
  std::vector<TokenId> content;  // of the KV memory, by slot
  std::set<BlockHash> mirror;
  std::uint64_t next_id = 1;
  std::uint64_t num_accepted = 0;
};

TEST(SchedulerProperty, EverySequenceEndsAndNothingLeaks) {
  std::uint64_t num_accepted = 0;
  testing::for_each_seed(400, [&](Random& random) {
    World world(random);
    for (int round = 0; round < 120; ++round) {
      while (chance(random, 0.4)) world.arrive();
      if (!world.live.empty() && chance(random, 0.08)) {
        auto it = world.live.begin();
        std::advance(it, pick(random, 0, static_cast<std::uint32_t>(world.live.size()) - 1));
        world.remove(it->first);
      }
      if (!world.live.empty()) world.step();
      if (::testing::Test::HasFatalFailure()) return;
    }
    // Without arrivals all end: each step computes at least a token or sends one back.
    for (int round = 0; !world.live.empty(); ++round) {
      ASSERT_LT(round, 100000) << "no progress";
      world.step();
      if (::testing::Test::HasFatalFailure()) return;
    }
    ASSERT_TRUE(world.scheduler->idle());
    ASSERT_EQ(world.scheduler->num_running() + world.scheduler->num_waiting(), 0u);
    ASSERT_TRUE(world.scheduler->reset_prefix_cache());
    num_accepted += world.num_accepted;
  });
  EXPECT_GT(num_accepted, 1000u);
}

// The same calls give the same plans.
TEST(SchedulerProperty, PlansAreReproducible) {
  const auto trace = [](std::uint64_t seed) {
    Random random(seed);
    World world(random);
    std::vector<ScheduledChunk> all;
    for (int round = 0; round < 60; ++round) {
      if (chance(random, 0.5)) world.arrive();
      if (world.live.empty()) continue;
      const StepPlan plan = world.scheduler->plan_step();
      all.insert(all.end(), plan.chunks.begin(), plan.chunks.end());
      world.apply(plan);
      world.sample(plan);
    }
    return all;
  };
  for (std::uint64_t seed = 1; seed <= 20; ++seed) EXPECT_EQ(trace(seed), trace(seed));
}

}  // namespace
}  // namespace nacelle::engine
