// admission.h: what the owner of a kind says of an object before the API stores it.
//
// Called for create, update, patch and apply of the object, and for its scale, not for its status;
// after structure and defaults of the schema, and with the object in the stored version. It may
// fill in fields, refuse with reasons (422, one cause each) and warn (Warning headers).
//
// Home:    any thread: pure functions.
// Source:  kubernetes-api.md sections 16 and 18.3.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "kube/object.h"

namespace nacelle::kube {

struct AdmissionAnswer {
  struct Cause {
    std::string reason;   // "FieldValueInvalid"
    std::string field;    // "spec.replicas"
    std::string message;  // "Invalid value: -1: must not be negative"
  };
  std::vector<Cause> causes;          // any refuses the object
  std::vector<std::string> warnings;  // told to the writer of an object that is stored
};

// `before` is null on create. A write that loses a race is asked about again.
using Admission = std::function<AdmissionAnswer(Json& object, const Json* before)>;
using Admissions = std::map<std::string, Admission, std::less<>>;  // by "plural.group"

}  // namespace nacelle::kube
