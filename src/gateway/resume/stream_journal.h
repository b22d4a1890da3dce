// stream_journal.h: what a client has seen of an event stream, so that another engine can go on.
//
// Passes on events once the engine's comment has said which tokens made them, without the comment;
// keeps the tokens. After the stream broke, resume_body() is the request for another engine and
// restart() makes the journal ready for its stream. Events behind the last comment were held back
// and are made again.
//
// Home:    one request's coroutine. Pure.
// Bounds:  held events kMaxHeldBytes, tokens kMaxTokens: beyond, all is passed on and the stream
// can
//          no longer be resumed.
// Source:  docs/formats/stream-resume.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::gateway {

class StreamJournal {
 public:
  static constexpr std::string_view kHeader = "x-nacelle-resume";
  static constexpr std::size_t kMaxHeldBytes = std::size_t{1} << 20;
  static constexpr std::size_t kMaxTokens = std::size_t{1} << 20;

  // `name` is the value of the answer's header: a JSON object. nullopt when it is none.
  [[nodiscard]] static std::optional<StreamJournal> begin(std::string_view name);

  // What can go to the client now.
  [[nodiscard]] std::string feed(std::string_view bytes);
  // What is still held when the stream ended by itself.
  [[nodiscard]] std::string take_rest();

  // [DONE] was passed on: the answer is complete.
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] bool resumable() const { return !done_ && !given_up_; }
  [[nodiscard]] std::size_t num_tokens() const { return tokens_.size(); }

  // `body` is the client's JSON object; "" when it is none.
  [[nodiscard]] std::string resume_body(std::string_view body) const;
  // Before the bytes of the stream that goes on.
  void restart();

 private:
  explicit StreamJournal(std::string_view name) : name_(name) {}
  void take_block(std::string_view block, std::string& out);
  [[nodiscard]] std::size_t num_resumed() const;

  std::string name_;     // without its last brace
  std::string partial_;  // of a block
  std::string held_;     // whole blocks whose tokens are not known yet
  std::vector<std::int32_t> tokens_;
  std::size_t behind_end_ = 0;  // blocks passed on after the end
  std::size_t skipped_ = 0;     // of those, met in this stream
  bool ended_ = false;          // the choice has finished
  bool done_ = false;
  bool given_up_ = false;
  bool repeats_ = false;  // the next news are those of the last token, which the client has seen
};

}  // namespace nacelle::gateway
