// human_int.h: integers as people write sizes: 32k = 32,000, 32K = 32,768, 25.6k = 25,600.
//
// Source: engine.md section 1, "human ints": lower case is powers of ten, upper case powers of two;
// decimals only with lower case.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace nacelle {

[[nodiscard]] Result<std::int64_t> parse_human_int(std::string_view text);

}  // namespace nacelle
