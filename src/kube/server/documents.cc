#include "kube/server/documents.h"

#include <openssl/evp.h>

#include <array>

#include <fmt/format.h>

namespace nacelle::kube::server {
namespace {

std::string hash_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  std::string out;
  for (unsigned int i = 0; i < size; ++i) out += fmt::format("{:02X}", digest[i]);
  return out;
}

DocumentPtr document(std::string bytes) {
  auto out = std::make_shared<Document>();
  out->hash = hash_of(bytes);
  out->bytes = std::move(bytes);
  return out;
}

// "apis/apps/v1" in its parts; false when it is no such path.
bool split(std::string_view path, std::string& group, std::string& version) {
  if (path.starts_with("api/")) {
    version = path.substr(4);
    return version.find('/') == std::string::npos;
  }
  if (!path.starts_with("apis/")) return false;
  path.remove_prefix(5);
  const std::size_t slash = path.find('/');
  if (slash == std::string_view::npos) return false;
  group = path.substr(0, slash);
  version = path.substr(slash + 1);
  return version.find('/') == std::string::npos;
}

}  // namespace

DocumentPtr Documents::get(const std::shared_ptr<const schema::Registry>& registry,
                           const std::string& key) {
  {
    std::lock_guard lock(mutex_);
    if (registry_ != registry) {
      registry_ = registry;
      made_.clear();
    }
    if (const auto found = made_.find(key); found != made_.end()) return found->second;
  }
  DocumentPtr made;
  std::string group;
  std::string version;
  if (key == "api" || key == "apis") {
    made = document(aggregated_discovery(*registry, key == "api").dump());
  } else if (key == "openapi/v2") {
    made = document(openapi_v2(*registry));
  } else if (key == "openapi/v2.json") {
    made = document(openapi_v2_json(*registry).dump());
  } else if (key == "openapi/v3") {
    Json paths = Json::object();
    for (const std::string& path : group_version_paths(*registry)) {
      const DocumentPtr one = get(registry, path);
      if (one == nullptr) continue;
      paths[path] = {{"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={}", path, one->hash)}};
    }
    made = document(Json{{"paths", std::move(paths)}}.dump());
  } else if (split(key, group, version)) {
    const Json body = openapi_v3(*registry, group, version);
    if (!body.is_null()) made = document(body.dump());
  }
  std::lock_guard lock(mutex_);
  // Another one may have changed the registry meanwhile: then this is not kept.
  if (registry_ == registry && made != nullptr) made_[key] = made;
  return made;
}

}  // namespace nacelle::kube::server
