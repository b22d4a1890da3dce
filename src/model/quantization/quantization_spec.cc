#include "model/quantization/quantization_spec.h"

#include <array>
#include <span>

#include <nlohmann/json.hpp>

#include "model/field_reader.h"
#include "model/quantization/method.h"

namespace nacelle::model {
namespace {

constexpr std::size_t kMaxTargets = 65536;
constexpr std::size_t kMaxGroupSize = 1u << 20;

std::span<const QuantizationMethod* const> table() {
  static constexpr std::array<const QuantizationMethod*, 4> kTable = {
      &kAwqMethod, &kCompressedTensorsMethod, &kFp8Method, &kGptqMethod};
  return kTable;
}

}  // namespace

const QuantizationMethod* find_method(std::string_view name) {
  for (const QuantizationMethod* method : table()) {
    if (method->name == name) return method;
  }
  return nullptr;
}

std::string supported_methods() {
  std::string names;
  for (const QuantizationMethod* method : table()) {
    if (!names.empty()) names += ", ";
    names += method->name;
  }
  return names;
}

void read_targets(FieldReader& fields, std::string_view key, ModuleTarget::Plain plain,
                  std::vector<ModuleTarget>& out) {
  for (const std::string& entry : fields.texts(key, kMaxTargets)) {
    Result<ModuleTarget> target = ModuleTarget::parse(entry, plain);
    if (target) {
      out.push_back(std::move(*target));
    } else {
      fields.complain(fmt::format("{}{}: {}", fields.prefix(), key, target.error().message()));
    }
  }
}

void read_group_size(FieldReader& fields, std::string_view key, LinearScheme& scheme) {
  const std::optional<std::int64_t> size = fields.integer(key, -1, kMaxGroupSize);
  if (!size) return;
  if (*size == 0) {
    fields.refuse(key, "-1 (a group is a row), or 1 and more");
  } else if (*size == -1) {
    scheme.grain = ScaleGrain::kRow;
  } else {
    scheme.grain = ScaleGrain::kGroup;
    scheme.group_size = static_cast<std::size_t>(*size);
  }
}

std::string to_string(const LinearScheme& scheme) {
  const std::string width =
      scheme.encoding == Encoding::kFp8 ? "fp8" : fmt::format("int{}", scheme.bits);
  switch (scheme.grain) {
    case ScaleGrain::kGroup:
      return fmt::format("{}-g{}", width, scheme.group_size);
    case ScaleGrain::kBlock:
      return fmt::format("{}-block{}x{}", width, scheme.block_rows, scheme.block_columns);
    case ScaleGrain::kTensor:
    case ScaleGrain::kRow:
      break;
  }
  return width;
}

Result<ModuleTarget> ModuleTarget::parse(std::string_view entry, Plain plain) {
  ModuleTarget target;
  target.plain_ = plain;
  target.text_ = entry;
  target.is_pattern_ = entry.starts_with("re:");
  if (target.is_pattern_) {
    ASSIGN_OR_RETURN(target.pattern_, ModulePattern::parse(entry.substr(3)));
  }
  return target;
}

bool ModuleTarget::matches(std::string_view module) const {
  if (is_pattern_) return pattern_.matches(module);
  if (plain_ == Plain::kPartOfName) return module.find(text_) != std::string_view::npos;
  return module == text_;
}

Result<QuantizationSpec> QuantizationSpec::parse(const nlohmann::json& object, std::string_view key,
                                                 std::string_view source) {
  if (!object.is_object()) {
    return invalid_argument("{}: {} is {}, accepted: an object", source, key, object.type_name());
  }
  FieldReader fields(object, std::string(source), fmt::format("{}.", key));
  std::string name = fields.text("quant_method").value_or("");
  // compression_config of older files has no method: there is only one that writes it.
  if (name.empty() && fields.has("config_groups")) name = "compressed-tensors";
  RETURN_IF_ERROR(fields.status());
  QuantizationSpec spec;
  spec.method = find_method(name);
  if (spec.method == nullptr) {
    return unimplemented("{}: {}.quant_method is \"{}\", supported: {}", source, key,
                         printable(name), supported_methods());
  }
  if (const Status status = spec.method->parse(fields, spec); !status.ok()) {
    return status.with_context(fmt::format("{}: {}", source, key));
  }
  RETURN_IF_ERROR(fields.status());
  return spec;
}

const LinearScheme* QuantizationSpec::scheme_of(std::string_view module) const {
  for (const ModuleTarget& target : ignored) {
    if (target.matches(module)) return nullptr;
  }
  for (const Group& group : groups) {
    for (const ModuleTarget& target : group.targets) {
      if (target.matches(module)) return &group.scheme;
    }
  }
  for (const Group& group : groups) {
    for (const ModuleTarget& target : group.targets) {
      if (target.is_linear_class()) return &group.scheme;
    }
  }
  return nullptr;
}

std::string_view QuantizationSpec::method_name() const { return method->name; }

}  // namespace nacelle::model
