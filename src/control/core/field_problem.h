// field_problem.h: what is wrong with an object that somebody wants to store, field by field, in
// the words of the Kubernetes API.
//
// Home:    pure; values.
// Source:  kubernetes-api.md section 16, causes of 422.
#pragma once

#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::control {

struct FieldProblem {
  std::string reason;   // "FieldValueInvalid", ...
  std::string field;    // "spec.router.route.weight"
  std::string message;  // "Invalid value: -1: must be at least 0"
  friend bool operator==(const FieldProblem&, const FieldProblem&) = default;
};

struct Review {
  std::vector<FieldProblem> problems;  // any refuses the object
  std::vector<std::string> warnings;   // told to the writer, who goes on

  [[nodiscard]] bool allowed() const { return problems.empty(); }

  void required(std::string field, const std::string& text) {
    problems.push_back({"FieldValueRequired", std::move(field), "Required value: " + text});
  }
  void invalid(std::string field, const kube::Json& value, const std::string& text) {
    problems.push_back(
        {"FieldValueInvalid", std::move(field),
         "Invalid value: " + value.dump(-1, ' ', false, kube::Json::error_handler_t::replace) +
             ": " + text});
  }
  void forbidden(std::string field, const std::string& text) {
    problems.push_back({"FieldValueForbidden", std::move(field), "Forbidden: " + text});
  }
  void unsupported(std::string field, const kube::Json& value, const std::string& text) {
    problems.push_back(
        {"FieldValueNotSupported", std::move(field),
         "Unsupported value: " + value.dump(-1, ' ', false, kube::Json::error_handler_t::replace) +
             ": " + text});
  }
  void duplicate(std::string field, const kube::Json& value) {
    problems.push_back(
        {"FieldValueDuplicate", std::move(field),
         "Duplicate value: " + value.dump(-1, ' ', false, kube::Json::error_handler_t::replace)});
  }
};

}  // namespace nacelle::control
