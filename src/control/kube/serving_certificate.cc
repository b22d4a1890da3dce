#include "control/kube/serving_certificate.h"

#include <utility>
#include <vector>

#include "base/base64.h"
#include "control/core/children.h"
#include "control/core/kserve/names.h"
#include "control/core/workload/labels.h"
#include "kube/time.h"
#include "net/tls/make_certificate.h"

namespace nacelle::control {
namespace {

constexpr const char* kExpiration = "certificates.kserve.io/expiration";
constexpr std::int64_t kYear = 365 * 86400;

std::vector<std::string> names_of(const Json& service, const std::string& cluster_domain) {
  const kube::ObjectKey key = kube::key_of(service);
  std::vector<std::string> out = {"localhost", "127.0.0.1"};
  for (const char* suffix : {"-kserve-workload-svc", "-epp-service", "-tokenizer"}) {
    const std::string host = kserve::child_name(key.name, suffix) + "." + key.name_space + ".svc";
    out.push_back(host);
    out.push_back(host + "." + cluster_domain);
  }
  return out;
}

bool is_current(const Json& secret, std::int64_t now_s) {
  const auto renewal =
      kube::parse_timestamp(kube::text_at(secret, {"metadata", "annotations", kExpiration}));
  return renewal && *renewal > now_s && kube::find(secret, {"data", "tls.crt"}) != nullptr &&
         kube::find(secret, {"data", "tls.key"}) != nullptr;
}

}  // namespace

std::string certificate_name(const std::string& service) {
  return kserve::child_name(service, "-kserve-self-signed-certs");
}

std::optional<Action> certificate_action(const Json& service, bool stopped,
                                         const std::optional<Json>& secret,
                                         const std::string& cluster_domain, std::int64_t now_s) {
  const kube::ObjectKey key = kube::key_of(service);
  const std::string uid(kube::text_at(service, {"metadata", "uid"}));
  const bool own = secret && controller_of(*secret) == uid;
  if (stopped) {
    if (!own || kube::is_being_deleted(*secret)) return std::nullopt;
    return Delete{target_of(*secret), std::string(kube::text_at(*secret, {"metadata", "uid"}))};
  }
  if (secret && (!own || kube::is_being_deleted(*secret) || is_current(*secret, now_s))) {
    return std::nullopt;
  }
  net::CertificateSpec spec;
  spec.common_name = "Kserve Self Signed";
  spec.names = names_of(service, cluster_domain);
  spec.valid_until = std::chrono::seconds(12 * kYear);
  const auto made = net::make_certificate(spec);
  if (!made.ok()) return std::nullopt;
  Json object = secret.value_or(Json{{"apiVersion", "v1"}, {"kind", "Secret"}});
  object["type"] = "kubernetes.io/tls";
  object["data"] = {{"tls.crt", encode_base64(made->chain_pem)},
                    {"tls.key", encode_base64(made->key_pem)},
                    {"ca.crt", encode_base64(made->chain_pem)}};
  Json& metadata = object["metadata"];
  metadata["name"] = certificate_name(key.name);
  metadata["namespace"] = key.name_space;
  metadata["labels"] = kserve::common_labels(key.name, kserve::kComponentWorkload);
  metadata["annotations"][kExpiration] = kube::timestamp(now_s + 8 * kYear);
  metadata["ownerReferences"] = Json::array({workload::controller_reference(service)});
  if (secret) return Update{std::move(object)};
  return Create{std::move(object)};
}

}  // namespace nacelle::control
