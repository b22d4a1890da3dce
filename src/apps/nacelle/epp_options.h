// epp_options.h: what `nacelle epp` is told: ports, pools, where endpoints come from.
//
// Home:    values.
// Source:  router.md section 6.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/nacelle/engine_scrape.h"
#include "base/clock.h"
#include "kube/client_config.h"
#include "kube/object.h"
#include "net/grpc/framing.h"
#include "net/tls/config.h"
#include "tracing/config.h"

namespace nacelle::apps {

struct EppPoolChoice {
  kube::ObjectKey key;
  std::string endpoints_file;  // "": an InferencePool of the API server
};

struct EppOptions {
  std::uint16_t grpc_port = 9002;
  std::uint16_t health_port = 9003;
  std::uint16_t metrics_port = 9090;
  std::string bind_host = "0.0.0.0";
  std::string pool_name, pool_namespace;
  std::string pool_group = "inference.networking.k8s.io";
  std::vector<EppPoolChoice> pools;  // --pool; besides pool_name
  // Every InferencePool of pool_namespace whose endpointPickerRef names this Service.
  std::string pools_of_service;
  std::string endpoint_selector;  // pods without an InferencePool
  std::vector<std::uint16_t> endpoint_target_ports;
  std::string kubeconfig;
  std::optional<kube::ClientConfig> kube;  // the API server; found when pools come from one
  std::string config_file, config_text;
  std::string endpoints_file;             // besides the configuration's file-discovery
  std::vector<std::string> object_files;  // InferenceObjective and InferenceModelRewrite documents
  bool allow_experimental_plugins = false;
  bool use_subset_filter = true;
  bool emit_endpoint_scores = false;
  Duration scrape_interval = 50ms;
  EngineScrapeFlags scrape;
  Duration metrics_stale_after = 2s;
  Duration gauge_interval = 1s;  // of the pool's own gauges
  std::size_t max_message_bytes = net::grpc::kDefaultMaxMessageBytes;
  bool secure_serving = true;
  std::string cert_path;  // a directory with tls.crt and tls.key; "": a self-signed certificate
  bool reload_certificate = false;
  net::TlsVersion tls_min_version = net::TlsVersion::kTls12;
  std::string tls_ciphers, tls_suites;  // of TLS 1.2 and 1.3, in OpenSSL's names; "": its own
  // Either one makes /metrics speak TLS.
  std::string metrics_cert_dir;   // as cert_path
  std::string metrics_client_ca;  // who scrapes needs a certificate of these authorities
  // Who scrapes needs a token that may get /metrics. Not given: where there is an API server to
  // ask.
  std::optional<bool> metrics_auth;
  bool health_on_grpc_port = false;
  // Of several replicas one is ready: the one that holds the Lease (kube/leader_election.h).
  bool leader_election = false;
  Duration lease_duration = 15s;
  Duration renew_deadline = 10s;
  Duration retry_period = 2s;
  std::string record;
  tracing::TracingConfig tracing{.service_name = "nacelle-epp"};
};

}  // namespace nacelle::apps
