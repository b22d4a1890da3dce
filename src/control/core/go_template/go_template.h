// go_template.h: renders Go text/template expressions over JSON.
//
//   render("{{ if .Spec.Model }}{{ .Spec.Model.Name }}{{ end }}-x", context) -> "tiny-x"
//
// Field names match members whatever their case at the start (`.Spec.Model.URI` is spec.model.uri
// when the root holds `Spec`). A name that the root lacks and `optional` does not list is an error,
// as with missingkey=error; a listed one is nil.
//
// Home:    pure; any thread.
// Errors:  invalid_argument with the action that is wrong.
// Bounds:  kMaxTemplateBytes of text and of output, kMaxTemplateSteps evaluated nodes.
// Source:  Go's text/template; kserve.md section A6.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/object.h"

namespace nacelle::control::go_template {

using kube::Json;

inline constexpr std::size_t kMaxTemplateBytes = 1024 * 1024;
inline constexpr std::size_t kMaxTemplateSteps = 100'000;

using Function = std::function<Result<Json>(std::span<const Json> arguments)>;

struct Context {
  Json root;  // `.` and `$`
  std::map<std::string, Function, std::less<>> functions;
  // Whether an object may lack this field without being wrong.
  std::function<bool(std::string_view)> optional;
  // Of render_strings(): what stands for a printed value in a field; absent: the value itself.
  std::function<std::string(std::string_view field, std::string value)> print;
};

[[nodiscard]] Result<std::string> render(std::string_view text, const Context& context);

// Renders every string below `tree` in place. The error names the field: `spec.template.args[0]: `.
[[nodiscard]] Status render_strings(Json& tree, const Context& context);

}  // namespace nacelle::control::go_template
