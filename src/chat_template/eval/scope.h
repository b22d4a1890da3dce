// scope.h: the variables of one block of a template. Inner scopes see outer ones and never change
// them.
#pragma once

#include <utility>
#include <vector>

#include "chat_template/syntax/ast.h"
#include "chat_template/value/objects.h"

namespace nacelle::chat_template {

class Scope final : public CyclicObject {
 public:
  // A null parent means the variables of the template itself.
  Scope(Runtime& runtime, Ref<Scope> parent) : CyclicObject(runtime), parent_(std::move(parent)) {}

  [[nodiscard]] const Value* find_here(SymbolId symbol) const {
    for (const auto& [name, value] : variables_) {
      if (name == symbol) return &value;
    }
    return nullptr;
  }
  void set(SymbolId symbol, Value value) {
    for (auto& [name, held] : variables_) {
      if (name == symbol) {
        held = std::move(value);
        return;
      }
    }
    variables_.emplace_back(symbol, std::move(value));
  }
  [[nodiscard]] const Ref<Scope>& parent() const { return parent_; }

  // Forgets the variables of one loop round.
  void reset() { variables_.clear(); }
  void clear() override {
    variables_.clear();
    parent_ = Ref<Scope>();
  }

 private:
  Ref<Scope> parent_;
  std::vector<std::pair<SymbolId, Value>> variables_;
};

}  // namespace nacelle::chat_template
