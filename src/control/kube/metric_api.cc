#include "control/kube/metric_api.h"

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/quantity.h"
#include "control/kube/resource_names.h"
#include "kube/time.h"

namespace nacelle::control {
namespace {

using kube::text_at;
using workload::MetricReading;

std::optional<workload::Milli> milli_at(const Json& object, kube::Path path) {
  const Json* value = kube::find(object, path);
  if (value == nullptr) return std::nullopt;
  const auto amount = Quantity::from_json(*value);
  if (!amount.ok()) return std::nullopt;
  return amount->milli();
}

// "30s", "1m0s", "15.016s": whole seconds, as windows are.
std::int64_t seconds_of_window(std::string_view text) {
  double total = 0;
  while (!text.empty()) {
    double number = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || at == end) break;
    total += *at == 'm' ? number * 60 : *at == 'h' ? number * 3600 : number;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 1);
  }
  return static_cast<std::int64_t>(total);
}

// A selector of a metric as a query: only its matchLabels, which is what adapters understand.
std::string query_of(const Json& selector) {
  std::vector<std::pair<std::string, std::string>> labels;
  for (const auto& [key, value] : kube::map_at(selector, {"matchLabels"}).items()) {
    if (value.is_string()) labels.emplace_back(key, value.get<std::string>());
  }
  return kube::label_selector(labels);
}

struct Question {
  std::string path;  // "" when the metric is of no known type
  const char* api = "";
};

Question question_of(const Json& metric, const std::string& name_space,
                     const std::string& selector) {
  const std::string_view type = text_at(metric, {"type"});
  if (type == "Resource" || type == "ContainerResource") {
    return {kube::with_query("/apis/metrics.k8s.io/v1beta1/namespaces/" + name_space + "/pods",
                             {{"labelSelector", selector}}),
            "resource metrics API"};
  }
  const std::string custom = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/" + name_space + "/";
  if (type == "Pods") {
    const Json& source = kube::map_at(metric, {"pods", "metric"});
    return {
        kube::with_query(custom + "pods/*/" + std::string(text_at(source, {"name"})),
                         {{"labelSelector", selector},
                          {"metricLabelSelector", query_of(kube::map_at(source, {"selector"}))}}),
        "custom metrics API"};
  }
  if (type == "Object") {
    const Json& source = kube::map_at(metric, {"object"});
    const Json& about = kube::map_at(source, {"describedObject"});
    const kube::Resource resource =
        resource_of(text_at(about, {"apiVersion"}), text_at(about, {"kind"}));
    return {kube::with_query(
                custom + resource.to_string() + "/" + std::string(text_at(about, {"name"})) + "/" +
                    std::string(text_at(source, {"metric", "name"})),
                {{"metricLabelSelector", query_of(kube::map_at(source, {"metric", "selector"}))}}),
            "custom metrics API"};
  }
  if (type == "External") {
    const Json& source = kube::map_at(metric, {"external", "metric"});
    return {kube::with_query("/apis/external.metrics.k8s.io/v1beta1/namespaces/" + name_space +
                                 "/" + std::string(text_at(source, {"name"})),
                             {{"labelSelector", query_of(kube::map_at(source, {"selector"}))}}),
            "external metrics API"};
  }
  return {};
}

}  // namespace

MetricReading resource_reading(const Json& list, const std::string& resource,
                               const std::string& container) {
  MetricReading out;
  for (const Json& pod : kube::list_at(list, {"items"})) {
    std::optional<workload::Milli> sum;
    bool whole = true;
    for (const Json& each : kube::list_at(pod, {"containers"})) {
      if (!container.empty() && text_at(each, {"name"}) != container) continue;
      const auto used = milli_at(each, {"usage", resource});
      whole = whole && used.has_value();
      sum = sum.value_or(0) + used.value_or(0);
    }
    if (!sum || !whole) continue;
    out.pods[kube::key_of(pod).name] = {
        *sum, kube::parse_timestamp(text_at(pod, {"timestamp"})).value_or(0),
        seconds_of_window(text_at(pod, {"window"}))};
  }
  return out;
}

MetricReading custom_reading(const Json& list) {
  constexpr std::int64_t kUsualWindow = 60;
  MetricReading out;
  bool first = true;
  for (const Json& item : kube::list_at(list, {"items"})) {
    const auto value = milli_at(item, {"value"});
    if (!value) continue;
    if (std::exchange(first, false)) out.value = *value;
    out.pods[std::string(text_at(item, {"describedObject", "name"}))] = {
        *value, kube::parse_timestamp(text_at(item, {"timestamp"})).value_or(0),
        kube::number_at(item, {"windowSeconds"}).value_or(kUsualWindow)};
  }
  if (first) out.error = "the custom metrics API has no value for it";
  return out;
}

MetricReading external_reading(const Json& list) {
  MetricReading out;
  bool any = false;
  for (const Json& item : kube::list_at(list, {"items"})) {
    const auto value = milli_at(item, {"value"});
    if (!value) continue;
    out.value += *value;
    any = true;
  }
  if (!any) out.error = "the external metrics API has no value for it";
  return out;
}

async::Task<MetricReading> read_metric(kube::Client& client, Json metric, std::string name_space,
                                       std::string selector) {
  MetricReading out;
  const Question question = question_of(metric, name_space, selector);
  if (question.path.empty()) {
    out.error = "unknown metric source type";
    co_return out;
  }
  kube::Call call(question.path);
  call.patient = false;  // the next look is soon
  const Result<kube::Answer> answer = co_await client.call(std::move(call));
  if (const Status status = kube::status_of(answer); !status.ok()) {
    out.error =
        "unable to fetch metrics from " + std::string(question.api) + ": " + status.message();
    co_return out;
  }
  const std::string_view type = text_at(metric, {"type"});
  if (type == "Resource") {
    out = resource_reading(answer->body, std::string(text_at(metric, {"resource", "name"})), "");
  } else if (type == "ContainerResource") {
    const Json& source = kube::map_at(metric, {"containerResource"});
    out = resource_reading(answer->body, std::string(text_at(source, {"name"})),
                           std::string(text_at(source, {"container"})));
  } else if (type == "External") {
    out = external_reading(answer->body);
  } else {
    out = custom_reading(answer->body);
  }
  co_return out;
}

}  // namespace nacelle::control
