// quantization_config_fuzz.cc: any text as quantization_config ends in schemes within their bounds
// or in a Status, and any pattern in it matches names in bounded time.

// links: model kernels tensor base
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "model/field_reader.h"
#include "model/quantization/load_quantization.h"
#include "model/quantization/quantization_spec.h"

namespace {

using namespace nacelle::model;

void expect(bool condition) {
  if (!condition) std::abort();
}

void check_scheme(const LinearScheme& scheme) {
  expect(scheme.bits == 4 || scheme.bits == 8);
  expect((scheme.grain == ScaleGrain::kGroup) == (scheme.group_size > 0));
  if (scheme.grain == ScaleGrain::kBlock) {
    expect(scheme.block_rows > 0 && scheme.block_columns > 0);
  }
  expect(!to_string(scheme).empty());
  const double bytes = bytes_per_weight({}, &scheme, 2);
  expect(bytes > 0 && bytes <= 2);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto object = parse_json_object(text, "config.json");
  if (!object.ok()) return 0;
  const auto spec = QuantizationSpec::parse(*object, "quantization_config", "config.json");
  if (!spec.ok()) {
    expect(!spec.error().message().empty());
    return 0;
  }
  expect(!spec->method_name().empty());
  for (const QuantizationSpec::Group& group : spec->groups) check_scheme(group.scheme);
  for (const char* module :
       {"lm_head", "model.layers.0.self_attn.q_proj", "model.layers.27.mlp.down_proj"}) {
    if (const LinearScheme* scheme = spec->scheme_of(module)) check_scheme(*scheme);
  }
  for (const char* wanted : {"", "int8", "int4-g32", "awq"}) {
    (void)LoadQuantization::parse(wanted)->check(&*spec).ok();
  }
  return 0;
}
