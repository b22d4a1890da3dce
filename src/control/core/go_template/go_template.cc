#include "control/core/go_template/go_template.h"

#include <algorithm>
#include <cctype>
#include <utility>
#include <vector>

#include "control/core/go_template/functions.h"
#include "control/core/go_template/syntax.h"

namespace nacelle::control::go_template {
namespace {

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return std::tolower(static_cast<unsigned char>(x)) ==
                  std::tolower(static_cast<unsigned char>(y));
         });
}

class Renderer {
 public:
  // `field`: "" for a text that stands in none.
  Renderer(const Context& context, std::string_view field) : context_(context), field_(field) {}

  Status run(const std::vector<Node>& nodes, const Json& dot) {
    const std::size_t scope = variables_.size();
    for (const Node& node : nodes) {
      if (++steps_ > kMaxTemplateSteps)
        return out_of_range("takes more than {} steps", kMaxTemplateSteps);
      if (node.kind == Node::Kind::kText) {
        out_ += node.text;
      } else if (Status status = act(node, dot); !status.ok()) {
        return described_ ? status : describe(std::move(status), node);
      }
      if (out_.size() > kMaxTemplateBytes) {
        return out_of_range("yields more than {} bytes", kMaxTemplateBytes);
      }
    }
    variables_.resize(scope);
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  Status describe(Status status, const Node& node) {
    described_ = true;
    return status.with_context("{{" + node.text + "}}");
  }

  Status act(const Node& node, const Json& dot) {
    const std::size_t scope = variables_.size();
    if (node.kind == Node::Kind::kRange) return range(node, dot);
    ASSIGN_OR_RETURN(Json value, evaluate(node.pipeline, dot));
    if (node.kind == Node::Kind::kOutput) {
      if (node.pipeline.variables.empty()) out_ += in_field(printed(value));
      return {};
    }
    const bool chosen = is_true(value);
    const Json& below = node.kind == Node::Kind::kWith && chosen ? value : dot;
    RETURN_IF_ERROR(run(chosen ? node.body : node.otherwise, below));
    variables_.resize(scope);
    return {};
  }

  [[nodiscard]] std::string in_field(std::string value) const {
    if (field_.empty() || !context_.print) return value;
    return context_.print(field_, std::move(value));
  }

  Status range(const Node& node, const Json& dot) {
    const std::size_t scope = variables_.size();
    Pipeline bare = node.pipeline;
    const std::vector<std::string> names = std::exchange(bare.variables, {});
    ASSIGN_OR_RETURN(Json list, evaluate(bare, dot));
    if (!list.is_structured() && !list.is_null()) {
      return invalid_argument("range can't iterate over {}", list.type_name());
    }
    if (list.empty()) return run(node.otherwise, dot);
    std::int64_t index = 0;
    for (const auto& [key, item] : list.items()) {
      const Json place = list.is_object() ? Json(key) : Json(index++);
      if (names.size() == 2) variables_.emplace_back(names[0], place);
      if (!names.empty()) variables_.emplace_back(names.back(), item);
      RETURN_IF_ERROR(run(node.body, item));
      variables_.resize(scope);
    }
    return {};
  }

  Result<Json> evaluate(const Pipeline& pipeline, const Json& dot) {
    Json value;
    bool first = true;
    for (const Command& command : pipeline.commands) {
      ASSIGN_OR_RETURN(Json next, run_command(command, dot, first ? nullptr : &value));
      value = std::move(next);
      first = false;
    }
    if (pipeline.variables.size() > 1) return invalid_argument("two variables outside of range");
    for (const std::string& name : pipeline.variables) {
      if (!pipeline.assigns) {
        variables_.emplace_back(name, value);
        continue;
      }
      Json* known = variable(name);
      if (known == nullptr) return invalid_argument("undefined variable {}", name);
      *known = value;
    }
    return value;
  }

  Result<Json> run_command(const Command& command, const Json& dot, const Json* piped) {
    if (++steps_ > kMaxTemplateSteps)
      return out_of_range("takes more than {} steps", kMaxTemplateSteps);
    const Operand& head = command.operands.front();
    if (head.kind != Operand::Kind::kFunction) {
      if (command.operands.size() > 1 || piped != nullptr) {
        return invalid_argument("can't give argument to non-function");
      }
      return operand(head, dot);
    }
    std::vector<Json> arguments;
    const bool lazy = head.name == "and" || head.name == "or";
    for (std::size_t i = 1; i < command.operands.size(); ++i) {
      ASSIGN_OR_RETURN(Json value, operand(command.operands[i], dot));
      // `and .A .A.B` does not look at .A.B when there is no .A.
      if (lazy && is_true(value) == (head.name == "or")) return value;
      arguments.push_back(std::move(value));
    }
    if (piped != nullptr) arguments.push_back(*piped);
    return call(head, arguments);
  }

  Result<Json> call(const Operand& function, std::span<const Json> arguments) {
    const auto own = context_.functions.find(function.name);
    if (own != context_.functions.end()) {
      ASSIGN_OR_RETURN(Json value, own->second(arguments));
      return fields_of(std::move(value), function.fields);
    }
    auto builtin = call_builtin(function.name, arguments);
    if (!builtin) return invalid_argument("function \"{}\" not defined", function.name);
    if (!builtin->ok()) return builtin->error();
    return fields_of(**std::move(builtin), function.fields);
  }

  Result<Json> operand(const Operand& operand, const Json& dot) {
    switch (operand.kind) {
      case Operand::Kind::kLiteral:
        return operand.literal;
      case Operand::Kind::kDot:
        return fields_of(dot, operand.fields);
      case Operand::Kind::kFunction:
        return call(operand, {});
      case Operand::Kind::kVariable: {
        const Json* value = operand.name == "$" ? &context_.root : variable(operand.name);
        if (value == nullptr) return invalid_argument("undefined variable {}", operand.name);
        return fields_of(*value, operand.fields);
      }
      case Operand::Kind::kGroup: {
        ASSIGN_OR_RETURN(Json value, evaluate(*operand.group, dot));
        return fields_of(std::move(value), operand.fields);
      }
    }
    return Json();
  }

  Json* variable(std::string_view name) {
    for (auto at = variables_.rbegin(); at != variables_.rend(); ++at) {
      if (at->first == name) return &at->second;
    }
    return nullptr;
  }

  Result<Json> fields_of(const Json& value, const std::vector<std::string>& names) const {
    const Json* at = &value;
    for (const std::string& name : names) {
      const Json* found = nullptr;
      if (at->is_object()) {
        if (const auto exact = at->find(name); exact != at->end()) {
          found = &*exact;
        } else {
          for (const auto& [key, member] : at->items()) {
            if (same_name(key, name)) found = &member;
          }
        }
      } else if (!at->is_null()) {
        return invalid_argument("can't evaluate field {} in {}", name, at->type_name());
      }
      if (found == nullptr) {
        if (context_.optional && context_.optional(name)) return Json();
        return invalid_argument("map has no entry for key \"{}\"", name);
      }
      at = found;
    }
    return *at;
  }

  const Context& context_;
  const std::string_view field_;
  std::vector<std::pair<std::string, Json>> variables_;  // `$` is the context's root
  std::string out_;
  std::size_t steps_ = 0;
  bool described_ = false;
};

Result<std::string> render_in(std::string_view text, const Context& context,
                              std::string_view field) {
  if (text.size() > kMaxTemplateBytes) {
    return out_of_range("a template of {} bytes; at most {}", text.size(), kMaxTemplateBytes);
  }
  ASSIGN_OR_RETURN(const std::vector<Node> nodes, parse_template(text));
  Renderer renderer(context, field);
  RETURN_IF_ERROR(renderer.run(nodes, context.root));
  return renderer.take();
}

Status render_below(Json& tree, const Context& context, const std::string& path) {
  if (tree.is_string()) {
    const auto& text = tree.get_ref<const std::string&>();
    if (text.find("{{") == text.npos) return {};
    Result<std::string> rendered = render_in(text, context, path);
    if (!rendered.ok()) return rendered.error().with_context(path);
    tree = *std::move(rendered);
    return {};
  }
  if (tree.is_array()) {
    for (std::size_t i = 0; i < tree.size(); ++i) {
      RETURN_IF_ERROR(render_below(tree[i], context, path + "[" + std::to_string(i) + "]"));
    }
  } else if (tree.is_object()) {
    for (auto& [name, value] : tree.items()) {
      RETURN_IF_ERROR(render_below(value, context, path.empty() ? name : path + "." + name));
    }
  }
  return {};
}

}  // namespace

Result<std::string> render(std::string_view text, const Context& context) {
  return render_in(text, context, "");
}

Status render_strings(Json& tree, const Context& context) {
  return render_below(tree, context, "");
}

}  // namespace nacelle::control::go_template
