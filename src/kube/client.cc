#include "kube/client.h"

#include <utility>

#include "async/timer.h"
#include "kube/http_transport.h"
#include "kube/warning.h"

namespace nacelle::kube {
namespace {

constexpr std::size_t kMaxAnswerBytes = std::size_t{256} << 20;
constexpr std::size_t kMaxErrorBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxListObjects = 1'000'000;
constexpr int kMaxWaits = 10;
constexpr int kMaxUpdates = 5;
constexpr Duration kUpdatePause = 10ms;  // after a conflict, as client-go

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

ApiError error_of(const net::http::ResponseHead& head, std::string_view body) {
  const Json parsed = Json::parse(body, nullptr, false);
  ApiError error = parse_api_error(head.status, parsed, head.headers.get("retry-after"));
  error.code = head.status;
  if (error.message.empty()) error.message = trimmed(body.substr(0, 200));
  return error;
}

async::Task<Result<std::string>> read_all(TransportAnswer& answer, std::size_t limit) {
  std::string out;
  for (;;) {
    auto piece = co_await answer.read();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) co_return out;
    if (out.size() + piece->size() > limit) {
      co_return out_of_range("the API server's answer has more than {} bytes", limit);
    }
    out += *piece;
  }
}

bool says_when(const ApiError& error) {
  return (error.code == 429 || error.code >= 500) && error.retry_after > Duration{};
}

Query query_of(const ListOptions& options, const std::string& continue_token) {
  Query out{{"labelSelector", options.label_selector}, {"fieldSelector", options.field_selector}};
  if (options.page_objects > 0) out.emplace_back("limit", std::to_string(options.page_objects));
  // Only the first page may say it.
  if (continue_token.empty()) out.emplace_back("resourceVersion", options.resource_version);
  out.emplace_back("continue", continue_token);
  return out;
}

Call write_of(std::string method, std::string target, std::string content_type, std::string body) {
  Call out(std::move(target));
  out.method = std::move(method);
  out.content_type = std::move(content_type);
  out.body = std::move(body);
  return out;
}

}  // namespace

Status status_of(const Result<Answer>& answer) {
  if (!answer.ok()) return answer.error();
  return answer->error ? answer->error->to_status() : Status();
}

Client::Client(std::shared_ptr<Transport> transport, ClientIdentity identity)
    : transport_(std::move(transport)), identity_(std::move(identity)) {
  if (identity_.field_manager.empty()) {
    identity_.field_manager = identity_.user_agent.substr(0, identity_.user_agent.find('/'));
  }
}

Result<std::unique_ptr<Client>> Client::create(async::Loop& loop, ClientConfig config) {
  ClientIdentity identity;
  identity.user_agent = config.user_agent;
  identity.name_space = config.name_space;
  ASSIGN_OR_RETURN(auto transport, HttpTransport::create(loop, std::move(config)));
  return std::make_unique<Client>(std::move(transport), std::move(identity));
}

TransportRequest Client::request_of(const Call& call) const {
  TransportRequest out;
  out.head.method = call.method;
  out.head.target = call.target;
  out.head.headers.add("accept", call.accept);
  out.head.headers.add("user-agent", identity_.user_agent);
  if (!call.body.empty()) out.head.headers.add("content-type", call.content_type);
  out.body = call.body;
  out.repeatable = call.method != "POST";  // a repeated POST could make two objects
  return out;
}

async::Task<Result<Answer>> Client::call_once(const Call* call) {
  auto sent = co_await transport_->send(request_of(*call));
  if (!sent.ok()) co_return sent.error();
  TransportAnswer& raw = **sent;
  Answer answer;
  answer.status = raw.head().status;
  answer.warnings = warnings_of(raw.head().headers);
  const bool success = answer.status >= 200 && answer.status < 300;
  auto text = co_await read_all(raw, success ? kMaxAnswerBytes : kMaxErrorBytes);
  if (!text.ok()) co_return text.error();
  if (!success) {
    answer.error = error_of(raw.head(), *text);
    co_return answer;
  }
  answer.body = Json::parse(*text, nullptr, false);
  if (!answer.body.is_object()) {
    co_return data_loss("{} {} answers {} bytes that are no JSON object", call->method,
                        call->target.substr(0, 500), text->size());
  }
  if (is_failure(answer.body)) {
    answer.error = parse_api_error(answer.status, answer.body);
    answer.body = Json();
  }
  co_return answer;
}

async::Task<Result<Answer>> Client::call(Call call) {
  Duration waited{};
  for (int waits = 0;; ++waits) {
    auto answer = co_await call_once(&call);
    if (!answer.ok() || !answer->error || !call.patient || waits == kMaxWaits) co_return answer;
    const ApiError& error = *answer->error;
    if (!says_when(error) || waited + error.retry_after > kMaxPatience) co_return answer;
    waited += error.retry_after;
    co_await async::sleep_for(error.retry_after);
  }
}

async::Task<Result<Answer>> Client::get(ObjectRef object) {
  return call(Call(object_path(object)));
}

async::Task<Result<Answer>> Client::list(Resource resource, std::string name_space,
                                         ListOptions options) {
  const std::string path = collection_path(resource, name_space);
  Answer all;
  std::string token;
  do {
    auto page = co_await call(Call(with_query(path, query_of(options, token))));
    if (!page.ok()) co_return page;
    if (page->error) {
      if (!page->error->expired() || (options.page_objects == 0 && token.empty())) co_return page;
      // The newest state, in one piece.
      options.page_objects = 0;
      options.resource_version.clear();
      token.clear();
      all = {};
      continue;
    }
    token = text_at(page->body, {"metadata", "continue"});
    if (all.body.is_null()) {
      all = std::move(*page);
      if (!all.body["items"].is_array()) all.body["items"] = Json::array();
    } else {
      for (const Json& item : list_at(page->body, {"items"})) all.body["items"].push_back(item);
    }
    if (all.body["items"].size() > kMaxListObjects) {
      co_return out_of_range("the list of {} has more than {} objects", path, kMaxListObjects);
    }
  } while (!token.empty() || all.body.is_null());
  if (all.body["metadata"].is_object()) all.body["metadata"].erase("continue");
  co_return all;
}

async::Task<Result<Answer>> Client::create_object(Resource resource, std::string name_space,
                                                  Json object, WriteOptions options) {
  return call(write_of("POST",
                       with_query(collection_path(resource, name_space),
                                  query_of(options, identity_.field_manager, false)),
                       "application/json", text_of(object)));
}

async::Task<Result<Answer>> Client::replace(ObjectRef object, Json to, WriteOptions options) {
  return call(write_of(
      "PUT", with_query(object_path(object), query_of(options, identity_.field_manager, false)),
      "application/json", text_of(to)));
}

async::Task<Result<Answer>> Client::patch(ObjectRef object, PatchType type, Json patch,
                                          WriteOptions options) {
  const bool apply = type == PatchType::kApply;
  return call(write_of(
      "PATCH", with_query(object_path(object), query_of(options, identity_.field_manager, apply)),
      content_type(type), text_of(patch)));
}

async::Task<Result<Answer>> Client::apply(ObjectRef object, Json wanted, WriteOptions options) {
  return patch(std::move(object), PatchType::kApply, std::move(wanted), std::move(options));
}

async::Task<Result<Answer>> Client::remove(ObjectRef object, DeleteOptions options) {
  return call(write_of("DELETE", object_path(object), "application/json", body_of(options)));
}

async::Task<Result<Answer>> Client::remove_all(Resource resource, std::string name_space,
                                               ListOptions which, DeleteOptions options) {
  which.page_objects = 0;
  which.resource_version.clear();
  return call(write_of("DELETE",
                       with_query(collection_path(resource, name_space), query_of(which, {})),
                       "application/json", body_of(options)));
}

async::Task<Result<Answer>> Client::scale(ObjectRef object, int replicas, WriteOptions options) {
  object.subresource = "scale";
  Json body{{"spec", {{"replicas", replicas}}}};
  return patch(std::move(object), PatchType::kMerge, std::move(body), std::move(options));
}

async::Task<Result<Answer>> Client::update(ObjectRef object, std::function<bool(Json&)> change,
                                           WriteOptions options) {
  for (int attempt = 1;; ++attempt) {
    auto read = co_await get(object);
    if (!read.ok() || read->error) co_return read;
    Json next = read->body;
    if (!change(next)) co_return read;
    auto written = co_await replace(object, std::move(next), options);
    const bool lost = written.ok() && written->error && written->error->conflict();
    if (!lost || attempt == kMaxUpdates) co_return written;
    co_await async::sleep_for(kUpdatePause);
  }
}

async::Task<Result<std::optional<ApiError>>> Watch::open(std::string target, std::string accept) {
  Call call(std::move(target));
  call.accept = std::move(accept);
  TransportRequest request = client_.request_of(call);
  request.silence = kMaxSilence;
  auto sent = co_await client_.transport_->send(std::move(request));
  if (!sent.ok()) co_return sent.error();
  answer_ = std::move(*sent);
  if (answer_->head().status == 200) co_return std::optional<ApiError>();
  auto text = co_await read_all(*answer_, kMaxErrorBytes);
  if (!text.ok()) co_return text.error();
  co_return std::optional<ApiError>(error_of(answer_->head(), *text));
}

async::Task<Status> Watch::read(std::vector<WatchEvent>& out) {
  const std::size_t before = out.size();
  for (;;) {
    auto piece = co_await answer_->read();
    if (!piece.ok()) co_return piece.error();
    if (piece->empty()) {
      if (decoder_.held_bytes() == 0) co_return Status();
      co_return data_loss("a watch ended inside an event");
    }
    CO_RETURN_IF_ERROR(decoder_.feed(*piece, out));
    if (out.size() > before) co_return Status();
  }
}

}  // namespace nacelle::kube
