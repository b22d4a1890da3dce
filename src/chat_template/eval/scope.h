// scope.h: the variables of one block of a template. Inner scopes see outer ones and never change
// them.
#pragma once

#include <unordered_map>
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
    const std::size_t at = position(symbol);
    return at < variables_.size() ? &variables_[at].second : nullptr;
  }
  void set(SymbolId symbol, Value value) {
    const std::size_t at = position(symbol);
    if (at < variables_.size()) {
      variables_[at].second = std::move(value);
      return;
    }
    variables_.emplace_back(symbol, std::move(value));
    if (variables_.size() > kLinearVariables) index(symbol);
  }
  [[nodiscard]] const Ref<Scope>& parent() const { return parent_; }

  // Forgets the variables of one loop round.
  void reset() {
    variables_.clear();
    positions_.clear();
  }
  void clear() override {
    reset();
    parent_ = Ref<Scope>();
  }

 private:
  static constexpr std::size_t kLinearVariables = 16;

  [[nodiscard]] std::size_t position(SymbolId symbol) const {
    if (!positions_.empty()) {
      const auto it = positions_.find(symbol);
      return it == positions_.end() ? variables_.size() : it->second;
    }
    std::size_t at = 0;
    while (at < variables_.size() && variables_[at].first != symbol) ++at;
    return at;
  }
  void index(SymbolId newest) {
    if (!positions_.empty()) {
      positions_.emplace(newest, variables_.size() - 1);
      return;
    }
    for (std::size_t i = 0; i < variables_.size(); ++i) positions_.emplace(variables_[i].first, i);
  }

  Ref<Scope> parent_;
  std::vector<std::pair<SymbolId, Value>> variables_;
  std::unordered_map<SymbolId, std::size_t> positions_;  // only when there are many
};

}  // namespace nacelle::chat_template
