// picker_stream.h: one HTTP request of the proxy, as a stream of the external processing protocol.
//
// Request half: headers are stored, the body is collected to its end; then parse, model and
// objective, flow control, pick; the answers go out in order, headers then body. Response half:
// headers and pieces are answered as they come, usage is read on the side, the client's model name
// is put back. A response half without a request half (an EPP that restarted) is answered too.
//
// Nearly all messages are pieces of answers: they are answered in the turn in which they arrive,
// the others by the coroutine run().
//
// Home:    the call's loop.
// Errors:  what a client can cause becomes an immediate response; the stream itself ends with a
//          gRPC status only when the proxy breaks the protocol.
// Bounds:  one body of PickerOptions::max_body_bytes.
// Source:  router.md sections 2.4 to 2.6, 4 and 22.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "epp/picker.h"
#include "epp/replies.h"
#include "epp/stream_trace.h"
#include "net/grpc/server.h"
#include "provider/model_restorer.h"
#include "provider/usage_meter.h"
#include "router/request_body.h"
#include "router/request_terms.h"

namespace nacelle::epp {

class PickerStream : private net::grpc::MessageSink {
 public:
  // All outlive the stream.
  PickerStream(Picker& picker, router::RequestBodyReader& reader, net::grpc::ServerCall& call);
  ~PickerStream() override;
  PickerStream(const PickerStream&) = delete;
  PickerStream& operator=(const PickerStream&) = delete;

  [[nodiscard]] async::Task<Status> run();

 private:
  enum class Next : std::uint8_t { kGoOn, kEnd };

  // A piece of an answer that does not end it.
  [[nodiscard]] bool take(std::string_view bytes, std::string& replies) override;
  // Any message. Leaves the replies in `out_`.
  [[nodiscard]] async::Task<Result<Next>> handle(std::string_view bytes);
  void reply(const ProcessingResponse& message);
  void take_request_headers(const ProcessingRequest& message);
  void take_subset(const ProcessingRequest& message);
  // False when the body grew too large and was refused.
  [[nodiscard]] bool take_request_body(const std::string& piece);
  // The body is complete: everything up to the pick.
  [[nodiscard]] async::Task<void> pick();
  [[nodiscard]] Status resolve();
  [[nodiscard]] async::Task<bool> admit();
  [[nodiscard]] async::Task<void> tokenize();
  // Flow control wants the place of this running request back.
  void evicted(const router::flow::Refusal& why);
  [[nodiscard]] async::Task<Status> give_way();
  [[nodiscard]] bool choose();
  void answer_pick();
  void take_answer(const ProcessingRequest& message);
  void take_response_headers(const ProcessingRequest& message);
  void take_served(const ProcessingRequest& message, HeaderList& set);
  void pass_response_piece(std::string_view piece, bool end_of_stream, std::string& replies);
  void end_response();
  void note_refusal(int http_status, std::string_view reason);
  void refuse(int http_status, std::string_view message, std::string_view reason);
  void end_request();
  void tell_request_processed();
  void tell_usage(const provider::TokenUsage& usage);
  void share_endpoint();
  [[nodiscard]] RequestSeries& series();
  void end_trace();
  void observe_piece();

  Picker& picker_;
  router::RequestBodyReader& reader_;
  net::grpc::ServerCall& call_;
  std::string out_;  // replies, framed for gRPC

  // Request half.
  HeaderList request_headers_;
  std::vector<router::objective::HeaderView> header_views_;
  router::objective::RequestFacts facts_;
  std::string body_;
  std::size_t body_bytes_ = 0;
  std::optional<std::vector<std::string>> subset_;
  router::RequestBody request_;
  std::string incoming_model_, target_model_;
  int priority_ = 0;
  RequestSeries* series_ = nullptr;  // once it is counted, or refused before
  InFlightShare in_flight_;
  HeaderList new_headers_;
  TimePoint began_{};
  router::flow::Admission admission_;
  std::optional<router::flow::Refusal> eviction_;
  std::optional<router::PromptBlocks> tokens_;
  std::optional<router::Placement> placement_;
  bool body_ended_ = false;
  bool counted_ = false;  // in request_running
  bool refused_ = false;
  bool skip_response_ = false;

  // Response half.
  bool streaming_ = false;
  bool first_byte_seen_ = false;
  bool response_ended_ = false;
  std::size_t response_bytes_ = 0;
  std::uint64_t observed_events_ = 0;
  TimePoint last_event_at_{};
  Duration answering_{};        // spent on the answer's head and end
  bool answered_well_ = false;  // 200
  StreamTrace trace_;
  std::optional<provider::UsageMeter> meter_;
  std::optional<provider::ModelRestorer> restorer_;
};

}  // namespace nacelle::epp
