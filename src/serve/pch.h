// pch.h: the headers of other components that most sources of serve/ read; precompiled by CMake.
// Never include it by hand.
#pragma once

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/mailbox.h"
#include "async/pch.h"
#include "async/runtime.h"
#include "async/work_pool.h"
#include "engine/engine.h"
#include "net/http/server.h"
#include "telemetry/metrics.h"
