// codec.h: what one pair of dialects adds to the machinery of CodecTranslator.
//
// A codec turns trees into trees and events into bytes of the client's dialect. Framing, bounds,
// paths and errors are its caller's business.
//
// Home:    one connection's loop, for one attempt.
// Errors:  as translator.h says.
#pragma once

#include <string>
#include <string_view>

#include "provider/json/json.h"
#include "provider/translator.h"

namespace nacelle::provider {

// What CodecTranslator read of the client's body before it asks the codec.
struct RequestFacts {
  std::string model;  // what the backend is asked for: the override, or the client's
  Delivery delivery = Delivery::kWhole;
};

class Codec {
 public:
  virtual ~Codec() = default;

  // The backend's body.
  [[nodiscard]] virtual Result<json::Json> request(const json::Json& body,
                                                   const RequestFacts& facts) = 0;

  // The client's whole answer.
  [[nodiscard]] virtual Result<json::Json> answer(const json::Json& upstream) = 0;

  // One event of the backend's stream; appends the client's events.
  [[nodiscard]] virtual Status event(std::string_view type, std::string_view data,
                                     std::string& out) = 0;
  // The stream has ended; data_loss when it ended too early.
  [[nodiscard]] virtual Status end(std::string& out) = 0;

  void set_upstream_id(std::string_view id) { upstream_id_ = id; }
  [[nodiscard]] const TokenUsage& usage() const { return usage_; }
  [[nodiscard]] const std::string& response_model() const { return response_model_; }

 protected:
  std::string upstream_id_;
  TokenUsage usage_;
  std::string response_model_;
};

}  // namespace nacelle::provider
