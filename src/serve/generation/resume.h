// resume.h: streams that another server can go on with, and streams that go on here.
//
// A gateway that asks with the header x-nacelle-resume gets, with a stream of one choice, a header
// of the same name (id, time and seed of the answer as JSON) and a comment with the tokens behind
// each piece of news. When the server dies it sends the original body to another one, with
// "nacelle_resume" = that JSON and the tokens seen. Arithmetic does not depend on company and
// random numbers come from seed and position, so the client sees one unbroken answer.
//
// Home:    the connection's loop.
// Errors:  400 for tokens outside the vocabulary, or that already end the answer.
// Source:  docs/formats/stream-resume.md.
#pragma once

#include <string_view>
#include <vector>

#include "engine/request.h"
#include "openai/answer.h"
#include "openai/request_fields.h"
#include "serve/answers/answer.h"
#include "serve/http/call.h"

namespace nacelle::serve {

inline constexpr std::string_view kResumeHeader = "x-nacelle-resume";

// Before the answer is made: gives the only request its seen tokens and its seed, the answer its
// old name, and the call its header when the gateway asked and this stream can be resumed.
[[nodiscard]] openai::Check prepare_resume(Call& call, const ServerConfig& config,
                                           const openai::RequestFields& fields,
                                           std::vector<engine::Request>& requests,
                                           openai::AnswerHead& head);

// Afterwards: the answer takes in what the client has seen.
[[nodiscard]] openai::Check begin_resume(const Call& call, const openai::RequestFields& fields,
                                         std::size_t num_choices, Answer& answer);

}  // namespace nacelle::serve
