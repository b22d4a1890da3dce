// common_fields.h: the table of fields that completions and chat share.
#pragma once

#include "openai/request_fields.h"
#include "openai/sampling_fields.h"
#include "openai/wire/json_reader.h"

namespace nacelle::openai::wire {

// What the shared fields are read into.
struct CommonFields {
  RequestFields request;
  SamplingFields sampling;
  bool has_stream_options = false;
  bool use_beam_search = false;
};

[[nodiscard]] const FieldTable<CommonFields>& common_field_table();

// Validators of the shared fields, after all fields were read.
[[nodiscard]] Check validate_common(const CommonFields& fields);

}  // namespace nacelle::openai::wire
