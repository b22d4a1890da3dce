// pch.h: what every source of provider/ reads; precompiled by CMake. Never include it by hand.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
