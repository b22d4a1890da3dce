// quantization_spec.h: what config.json says about the quantised weights of a checkpoint: which
// linears are quantised and how they are stored.
//
//   quantization_config (or compression_config) ── quant_method ── method.h: one reader per method
//        │ ignore lists, targets, schemes
//        ▼
//   scheme_of("model.layers.0.mlp.down_proj")
//
// Home:    immutable after parse(); any thread.
// Errors:  unimplemented for a method, format or width that has no reader here, listing those that
//          have one; invalid_argument listing every wrong value as `key is VALUE, accepted: ...`.
// Source:  engine.md section 30.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "model/quantization/linear_scheme.h"
#include "model/quantization/module_pattern.h"

namespace nacelle::model {

struct QuantizationMethod;  // method.h

// What a list of modules means by one of its entries.
class ModuleTarget {
 public:
  enum class Plain { kWholeName, kPartOfName };  // how an entry without `re:` is compared

  [[nodiscard]] static Result<ModuleTarget> parse(std::string_view entry, Plain plain);
  [[nodiscard]] bool matches(std::string_view module) const;
  // The entry is the class of all linears, "Linear".
  [[nodiscard]] bool is_linear_class() const { return text_ == "Linear"; }

 private:
  std::string text_;
  Plain plain_ = Plain::kWholeName;
  bool is_pattern_ = false;
  ModulePattern pattern_;
};

struct QuantizationSpec {
  // Linears that share a scheme.
  struct Group {
    std::vector<ModuleTarget> targets;
    LinearScheme scheme;
  };

  const QuantizationMethod* method = nullptr;
  std::vector<Group> groups;  // the first that names a module counts, then the first with "Linear"
  std::vector<ModuleTarget> ignored;

  // `object` is the value of `key` in the file that `source` names.
  [[nodiscard]] static Result<QuantizationSpec> parse(const nlohmann::json& object,
                                                      std::string_view key,
                                                      std::string_view source);

  // How this linear is stored; nullptr: as a dense tensor.
  [[nodiscard]] const LinearScheme* scheme_of(std::string_view module) const;

  // "compressed-tensors", "awq", ...
  [[nodiscard]] std::string_view method_name() const;
};

}  // namespace nacelle::model
