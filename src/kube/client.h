// client.h: calls of a Kubernetes API, wherever it is.
//
//   Result<Answer> answer = co_await client.get({kPods, "default", "web-0"});
//   if (!answer.ok())          ... the server was not reached, or talked nonsense ...
//   else if (answer->error)    ... it said no: answer->error->code ...
//   else use(answer->body);
//
// Whether a server over HTTPS or the API of this process answers is the transport's business
// (kube/transport.h). Every write names its field manager. An answer of 429 or 5xx that says
// Retry-After is waited for, at most ten times and kMaxPatience in all; a call that lost its
// connection is not repeated by us.
//
// Home:    the transport's loop, best one of its own: answers of megabytes are parsed on it.
// Errors:  those of the transport; data_loss for what is no JSON, out_of_range.
// Bounds:  answers of 256 MiB; one line of a watch of 8 MiB; lists of a million objects.
// Source:  kubernetes-api.md sections 2, 7 to 15 and 25.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "base/clock.h"
#include "base/result.h"
#include "kube/api_error.h"
#include "kube/call_options.h"
#include "kube/client_config.h"
#include "kube/object.h"
#include "kube/resource.h"
#include "kube/transport.h"
#include "kube/watch_decoder.h"

namespace nacelle::kube {

struct Answer {
  Json body;
  std::optional<ApiError> error;      // the server said no; then `body` is empty
  std::vector<std::string> warnings;  // "unknown field \"spec.x\"", for whoever wrote the object
  int status = 0;                     // 201 when the call created the object
  [[nodiscard]] bool ok() const { return !error; }
};

// One status of both ways to fail.
[[nodiscard]] Status status_of(const Result<Answer>& answer);

struct ClientIdentity {
  std::string user_agent = "nacelle";
  std::string field_manager;  // "": the user agent up to its first '/'
  std::string name_space = "default";
};

// A call as it goes out.
struct Call {
  explicit Call(std::string target = {}) : target(std::move(target)) {}
  std::string method = "GET";
  std::string target;                       // path and query
  std::string content_type;                 // of the body
  std::string accept = "application/json";  // "...;as=Table;..." for what a person reads
  std::string body;
  bool patient = true;  // waits when the server says Retry-After
};

class Client {
 public:
  static constexpr Duration kMaxPatience = std::chrono::seconds(60);

  explicit Client(std::shared_ptr<Transport> transport, ClientIdentity identity = {});
  // Over HTTP, as `config` says.
  [[nodiscard]] static Result<std::unique_ptr<Client>> create(async::Loop& loop,
                                                              ClientConfig config);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  [[nodiscard]] async::Loop& loop() { return transport_->loop(); }
  [[nodiscard]] const std::string& name_space() const { return identity_.name_space; }

  [[nodiscard]] async::Task<Result<Answer>> get(ObjectRef object);
  // All pages as one list. A list that expires between two pages is asked for again.
  [[nodiscard]] async::Task<Result<Answer>> list(Resource resource, std::string name_space,
                                                 ListOptions options = {});
  [[nodiscard]] async::Task<Result<Answer>> create_object(Resource resource, std::string name_space,
                                                          Json object, WriteOptions options = {});
  // `object` with its resourceVersion: 409 when someone wrote it since it was read.
  [[nodiscard]] async::Task<Result<Answer>> replace(ObjectRef object, Json to,
                                                    WriteOptions options = {});
  [[nodiscard]] async::Task<Result<Answer>> patch(ObjectRef object, PatchType type, Json patch,
                                                  WriteOptions options = {});
  // Server-side apply: creates the object when it is absent.
  [[nodiscard]] async::Task<Result<Answer>> apply(ObjectRef object, Json wanted,
                                                  WriteOptions options = WriteOptions::forced());
  [[nodiscard]] async::Task<Result<Answer>> remove(ObjectRef object, DeleteOptions options = {});
  [[nodiscard]] async::Task<Result<Answer>> remove_all(Resource resource, std::string name_space,
                                                       ListOptions which,
                                                       DeleteOptions options = {});
  [[nodiscard]] async::Task<Result<Answer>> scale(ObjectRef object, int replicas,
                                                  WriteOptions options = {});
  // Reads the object, lets `change` edit it, writes it; again after a conflict, up to five times.
  // `change` returns false when nothing is to be done: then the answer is the object as read.
  [[nodiscard]] async::Task<Result<Answer>> update(ObjectRef object,
                                                   std::function<bool(Json&)> change,
                                                   WriteOptions options = {});

  [[nodiscard]] async::Task<Result<Answer>> call(Call call);

 private:
  friend class Watch;
  [[nodiscard]] TransportRequest request_of(const Call& call) const;
  [[nodiscard]] async::Task<Result<Answer>> call_once(const Call* call);

  const std::shared_ptr<Transport> transport_;
  ClientIdentity identity_;
};

// A watch: an answer that does not end.
class Watch {
 public:
  explicit Watch(Client& client) : client_(client) {}

  // Sends the request. A value means that the server said no.
  [[nodiscard]] async::Task<Result<std::optional<ApiError>>> open(
      std::string target, std::string accept = "application/json");

  // Waits for events and appends at least one, or none at the end of the stream. A server that is
  // silent for longer than kMaxSilence counts as gone: bookmarks come every minute.
  [[nodiscard]] async::Task<Status> read(std::vector<WatchEvent>& out);

  static constexpr Duration kMaxSilence = std::chrono::minutes(2);

 private:
  Client& client_;
  std::unique_ptr<TransportAnswer> answer_;
  WatchDecoder decoder_;
};

}  // namespace nacelle::kube
