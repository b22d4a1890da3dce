// links: kube
//
// What a user's files and programs say about an API server: kubeconfig, exec plugins, warnings,
// times, NO_PROXY. The first byte chooses; reading twice gives the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "kube/client_config.h"
#include "kube/credentials/exec_plugin.h"
#include "kube/lease.h"
#include "kube/proxy.h"
#include "kube/time.h"
#include "kube/warning.h"

using namespace nacelle::kube;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0] % 6) {
    case 0: {
      const auto config = parse_kubeconfig(text, "/folder");
      if (config.ok() && config->address.host.empty()) std::abort();
      if (config.ok() && config->exec) (void)exec_info(*config);
      break;
    }
    case 1: {
      const auto read = parse_exec_credential(text, "client.authentication.k8s.io/v1");
      if (read.ok() && read->token.empty() && read->certificate.empty()) std::abort();
      break;
    }
    case 2: {
      nacelle::net::http::Headers headers;
      headers.add("warning", text);
      for (const std::string& warning : warnings_of(headers)) {
        if (warning.size() > 4096) std::abort();
      }
      break;
    }
    case 3:
      if (const auto time = parse_time(text)) {
        if (parse_time(to_micro_time(*time)) != time) std::abort();
      }
      break;
    case 4:
      (void)goes_directly({"10.1.2.3", 443}, text);
      (void)goes_directly({"api.example.com", 443}, text);
      break;
    default: {
      const Json object = Json::parse(text, nullptr, false);
      const Lease lease = parse_lease(object);
      const Lease again = parse_lease(lease_object(lease, "ns", "name"));
      if (again.holder != lease.holder || again.duration != lease.duration) std::abort();
    }
  }
  return 0;
}
