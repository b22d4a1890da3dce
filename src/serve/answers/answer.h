// answer.h: what the choices of one request have said so far, and the bytes that say it.
//
// The same object serves both forms: a stream takes chunks as they come, a whole answer is made
// once all choices are finished.
//
// Home:    the connection's loop.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "openai/answer.h"
#include "openai/request_fields.h"
#include "openai/usage.h"
#include "serve/generation/generation.h"
#include "serve/generation/plan.h"
#include "serve/output/logprob_format.h"
#include "serve/output/sequence_reader.h"
#include "serve/server_state.h"

namespace nacelle::serve {

// Which usage a stream shows.
struct UsagePolicy {
  bool at_end = false;
  bool in_every_chunk = false;
};

class Answer {
 public:
  // `plan` and `state` must outlive the answer.
  Answer(const ServerState& state, const GenerationPlan& plan, const openai::RequestFields& request,
         const openai::SamplingFields& sampling, openai::AnswerHead head);
  virtual ~Answer() = default;

  // Takes an engine output in. True when a stop string just ended the choice: stop its sequence.
  [[nodiscard]] bool add(ChoiceOutput item);

  // Takes in what the client has seen of the only choice from another server, without saying it
  // again. False when these tokens already end the answer. Before anything else.
  [[nodiscard]] bool replay(const std::vector<TokenId>& tokens);
  // Says after the news of each choice which tokens made them, in a comment that clients ignore.
  void show_tokens() { shows_tokens_ = true; }

  [[nodiscard]] bool finished() const { return num_unfinished_ == 0; }
  // Set once a choice failed: the whole answer is an error then.
  [[nodiscard]] const openai::Check& failure() const { return failure_; }

  // Appends events for every choice with news since the last call, in the order of the choices.
  void append_news(std::string& out);
  // Appends the usage chunk when one is due.
  void append_end(std::string& out);
  // The whole body; once finished, instead of append_news().
  [[nodiscard]] virtual std::string body() = 0;

  [[nodiscard]] std::int64_t num_output_tokens() const;

 protected:
  virtual void append_choice(std::string& out, std::size_t choice, OutputDelta delta) = 0;
  virtual void append_usage_chunk(std::string& out, const openai::Usage& usage) = 0;

  [[nodiscard]] SequenceReader& reader(std::size_t choice) { return readers_[choice]; }
  [[nodiscard]] std::size_t num_choices() const { return readers_.size(); }
  [[nodiscard]] openai::Usage total_usage() const;
  [[nodiscard]] openai::Usage running_usage(std::size_t choice) const;
  [[nodiscard]] TokenNamer token_namer() const;

  const ServerState& state_;
  const GenerationPlan& plan_;
  const openai::AnswerHead head_;
  const UsagePolicy usage_;
  const bool return_token_ids_;
  const bool as_token_ids_;

 private:
  std::vector<SequenceReader> readers_;
  std::vector<bool> has_news_;
  std::vector<std::size_t> news_;
  std::size_t num_unfinished_;
  bool shows_tokens_ = false;
  openai::Check failure_;
};

// "stop", "length", "abort", ...; "" while running.
[[nodiscard]] std::string finish_name(engine::FinishReason reason);

}  // namespace nacelle::serve
