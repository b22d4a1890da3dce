// run.h: drives one generation to its end, as a stream or as a whole answer.
//
// Home:    the connection's loop.
#pragma once

#include "async/task.h"
#include "serve/answers/answer.h"
#include "serve/generation/generation.h"
#include "serve/http/call.h"

namespace nacelle::serve {

enum class AnswerForm { kWhole, kStream };

// Submits the plan and answers the call. Returns when the answer was sent, or when the client left.
// All arguments must outlive the task.
async::Task<void> run_generation(Call& call, Generation& generation, Answer& answer,
                                 std::vector<engine::Request> requests,
                                 engine::Engine::Admission admission, AnswerForm form);

}  // namespace nacelle::serve
