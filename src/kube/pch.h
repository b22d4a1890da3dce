// pch.h: the headers of other components that most sources of kube/ read; precompiled by CMake.
// Never include it by hand.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "async/mailbox.h"
#include "async/pch.h"
#include "async/runtime.h"
#include "async/task_scope.h"
#include "async/timer.h"
#include "net/http/server.h"
