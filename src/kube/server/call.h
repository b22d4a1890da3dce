// call.h: one request as the handlers of the API see it, and what they answer.
//
// Home:    the request's loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "async/loop.h"
#include "kube/schema/kind.h"
#include "kube/server/negotiate.h"
#include "kube/server/request.h"

namespace nacelle::kube::server {

struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
};

struct Call {
  async::Loop* loop = nullptr;
  std::string method;
  std::string path;
  Parameters parameters;
  std::string accept, content_type, user_agent, if_none_match;
  bool pretty = false;
  std::string body;
  User user;
  bool outside = false;  // of another process, which is told only what is on the disk

  // Of a resource.
  std::shared_ptr<const schema::Registry> registry;
  ResourcePath resource;
  schema::KindPtr kind;

  [[nodiscard]] ObjectKey key() const { return {resource.name_space, resource.name}; }
  [[nodiscard]] std::string parameter(std::string_view name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  }
};

struct Reply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::string> warnings;
};

[[nodiscard]] Reply failure_reply(const Failure& failure, bool pretty);
[[nodiscard]] Reply json_reply(const Json& body, int status, bool pretty);

}  // namespace nacelle::kube::server
