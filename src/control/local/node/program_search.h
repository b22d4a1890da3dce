// program_search.h: the program behind the first word of a command.
#pragma once

#include <string>
#include <vector>

namespace nacelle::control::node {

// Itself when it holds a '/', else the first executable file of that name in PATH of `environment`
// ("NAME=value"); the name itself when there is none.
[[nodiscard]] std::string find_program(const std::string& name,
                                       const std::vector<std::string>& environment);

}  // namespace nacelle::control::node
