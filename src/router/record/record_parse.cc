#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "router/record/json_bytes.h"
#include "router/record/record_text.h"

namespace nacelle::router {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMaxEndpoints = 100'000;

// What is missing or of another type becomes a value that a test of `ok` notices at the end.
class Reader {
 public:
  bool ok = true;

  const Json& at(const Json& object, const char* key) {
    static const Json null;
    if (!object.is_object()) return fail(null);
    const auto found = object.find(key);
    return found == object.end() ? null : *found;
  }
  template <class Integer>
  Integer integer(const Json& value, Integer absent = {}) {
    if (value.is_null()) return absent;
    if (value.is_number_unsigned()) return static_cast<Integer>(value.get<std::uint64_t>());
    if (value.is_number_integer()) return static_cast<Integer>(value.get<std::int64_t>());
    ok = false;
    return absent;
  }
  double number(const Json& value) {
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) ok = false;
    return value.is_number() ? value.get<double>() : 0;
  }
  double number_or_zero(const Json& value) { return value.is_null() ? 0 : number(value); }
  bool boolean(const Json& value, bool absent) {
    if (value.is_null()) return absent;
    if (!value.is_boolean()) ok = false;
    return value.is_boolean() && value.get<bool>();
  }
  std::string text(const Json& value) {
    if (value.is_null()) return {};
    if (!value.is_string()) {
      ok = false;
      return {};
    }
    return bytes_of_json(value.get_ref<const std::string&>());
  }
  std::vector<std::string> texts(const Json& value) {
    std::vector<std::string> out;
    for (const Json& item : list(value)) out.push_back(text(item));
    return out;
  }
  const Json::array_t& list(const Json& value) {
    static const Json::array_t empty;
    if (value.is_array()) return value.get_ref<const Json::array_t&>();
    ok = ok && value.is_null();
    return empty;
  }
  template <class Value>
  std::vector<Value> sparse(const Json& value, std::size_t size) {
    std::vector<Value> out(size);
    const auto& pairs = list(value);
    ok = ok && pairs.size() % 2 == 0;
    for (std::size_t i = 0; ok && i < pairs.size(); i += 2) {
      const auto position = integer<std::size_t>(pairs[i]);
      if (position >= size) {
        ok = false;
        break;
      }
      out[position] = integer<Value>(pairs[i + 1]);
    }
    return out;
  }

 private:
  const Json& fail(const Json& value) {
    ok = false;
    return value;
  }
};

EndpointSnapshot read_endpoint(Reader& r, const Json& json) {
  EndpointSnapshot out;
  out.id = EndpointId{r.integer<std::uint32_t>(r.at(json, "id"))};
  out.name = r.text(r.at(json, "name"));
  out.name_space = r.text(r.at(json, "namespace"));
  out.address = r.text(r.at(json, "address"));
  out.serving = r.boolean(r.at(json, "serving"), true);
  out.rank = r.integer<std::uint32_t>(r.at(json, "rank"));
  if (const auto& metrics = r.list(r.at(json, "metrics")); metrics.size() == 6) {
    out.metrics.known = true;
    out.metrics.updated = TimePoint(std::chrono::nanoseconds(r.integer<std::int64_t>(metrics[0])));
    out.metrics.waiting_requests = r.number(metrics[1]);
    out.metrics.running_requests = r.number(metrics[2]);
    out.metrics.kv_usage = r.number(metrics[3]);
    out.metrics.block_size_tokens = r.integer<std::uint32_t>(metrics[4]);
    out.metrics.num_blocks = r.integer<std::uint32_t>(metrics[5]);
  }
  if (const Json& labels = r.at(json, "labels"); labels.is_object()) {
    Labels read;
    for (const auto& [key, value] : labels.items())
      read.emplace_back(bytes_of_json(key), r.text(value));
    out.labels = std::make_shared<const Labels>(std::move(read));
  }
  if (const Json& lora = r.at(json, "lora"); lora.is_object()) {
    out.lora = std::make_shared<const LoraState>(
        LoraState{r.texts(r.at(lora, "active")), r.texts(r.at(lora, "waiting")),
                  r.integer<std::uint32_t>(r.at(lora, "max"))});
  }
  if (const Json& attributes = r.at(json, "attributes"); attributes.is_object()) {
    Attributes read;
    for (const auto& [key, value] : attributes.items()) {
      read.emplace_back(bytes_of_json(key), r.number(value));
    }
    out.attributes = std::make_shared<const Attributes>(std::move(read));
  }
  return out;
}

void apply_pool(Reader& r, const Json& json, PoolSnapshot& pool) {
  const auto size = r.integer<std::size_t>(r.at(json, "size"));
  if (size > kMaxEndpoints) {
    r.ok = false;
    return;
  }
  pool.endpoints.resize(size);
  for (const Json& entry : r.list(r.at(json, "endpoints"))) {
    const auto& pair = r.list(entry);
    const std::size_t position = pair.size() == 2 ? r.integer<std::size_t>(pair[0]) : size;
    if (position >= size) {
      r.ok = false;
      return;
    }
    pool.endpoints[position] = read_endpoint(r, pair[1]);
  }
}

void read_request(Reader& r, const Json& json, RecordedInput& out) {
  RoutingRequest& request = out.input.request;
  out.model = r.text(r.at(json, "model"));
  request.random = r.integer<std::uint64_t>(r.at(json, "seed"));
  request.prompt_tokens = r.integer<std::uint64_t>(r.at(json, "prompt_tokens"));
  request.block_size_tokens = r.integer<std::uint32_t>(r.at(json, "block_size"));
  request.priority = r.integer<int>(r.at(json, "priority"));
  request.max_output_tokens = r.integer<std::uint64_t>(r.at(json, "max_output"));
  request.slo_ttft_ms = r.number_or_zero(r.at(json, "slo_ttft_ms"));
  request.slo_tpot_ms = r.number_or_zero(r.at(json, "slo_tpot_ms"));
  request.prefer_if_available = r.boolean(r.at(json, "prefer_if_available"), false);
  if (const Json& headers = r.at(json, "headers"); headers.is_object()) {
    for (const auto& [key, value] : headers.items()) {
      out.headers.emplace_back(bytes_of_json(key), r.text(value));
    }
  }
  for (const Json& id : r.list(r.at(json, "excluded"))) {
    out.excluded.push_back(EndpointId{r.integer<std::uint32_t>(id)});
  }
  out.subset = r.texts(r.at(json, "subset"));
}

void read_pick(Reader& r, const Json& json, std::size_t endpoints, RecordLine& out) {
  DecisionInput& input = out.recorded.input;
  out.number = r.integer<std::uint64_t>(r.at(json, "n"));
  input.now = TimePoint(std::chrono::nanoseconds(r.integer<std::int64_t>(r.at(json, "now"))));
  input.metrics_stale_after =
      std::chrono::nanoseconds(r.integer<std::int64_t>(r.at(json, "stale_after")));
  read_request(r, r.at(json, "request"), out.recorded);
  input.load_requests = r.sparse<std::uint64_t>(r.at(json, "requests"), endpoints);
  input.load_tokens = r.sparse<std::uint64_t>(r.at(json, "tokens"), endpoints);
  input.unseen_requests = r.sparse<std::uint64_t>(r.at(json, "unseen"), endpoints);
  for (const Json& item : r.list(r.at(json, "prefix"))) {
    PrefixColumn column;
    column.total_blocks = r.integer<std::uint32_t>(r.at(item, "total"));
    column.block_size_tokens = r.integer<std::uint32_t>(r.at(item, "block_size"));
    const Json& matched = r.at(item, "matched");
    const Json& cached = r.at(item, "cached");
    if (!matched.is_null()) column.matched = r.sparse<std::uint32_t>(matched, endpoints);
    if (!cached.is_null()) column.cached = r.sparse<std::uint32_t>(cached, endpoints);
    input.prefix.push_back(std::move(column));
  }
  for (const Json& item : r.list(r.at(json, "columns"))) {
    Column column;
    for (const Json& value : r.list(item)) column.push_back(r.number(value));
    // By position, or a single number, or nothing: anything else would be read out of bounds.
    r.ok = r.ok && (column.size() <= 1 || column.size() == endpoints);
    input.columns.push_back(std::move(column));
  }
  out.outcome = r.text(r.at(json, "out"));
  out.recorded.bind();
}

}  // namespace

Result<RecordLine> parse_record_line(std::string_view line, PoolSnapshot& pool) {
  const Json json = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return data_loss("not a JSON object");
  RecordLine out;
  Reader r;
  const std::string kind = r.text(r.at(json, "k"));
  if (kind == "config") {
    out.kind = RecordLine::Kind::kConfig;
    if (r.integer<int>(r.at(json, "version")) != 1) return data_loss("a record of another version");
    out.config_text = r.text(r.at(json, "text"));
    if (r.text(r.at(json, "hash")) != fmt::format("{:016x}", config_hash(out.config_text))) {
      return data_loss("the configuration does not have the hash beside it");
    }
  } else if (kind == "pool") {
    out.kind = RecordLine::Kind::kPool;
    apply_pool(r, json, pool);
  } else if (kind == "pick") {
    out.kind = RecordLine::Kind::kPick;
    read_pick(r, json, pool.endpoints.size(), out);
  } else if (kind == "lost") {
    out.kind = RecordLine::Kind::kLost;
    out.number = r.integer<std::uint64_t>(r.at(json, "n"));
  } else {
    return data_loss("unknown kind of line '{}'", kind.substr(0, 100));
  }
  if (!r.ok) return data_loss("a value is missing or of the wrong type");
  return out;
}

}  // namespace nacelle::router
