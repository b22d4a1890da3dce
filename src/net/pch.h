// pch.h: what every source of net/ reads; precompiled by CMake. Never include it by hand.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/pch.h"
#include "async/runtime.h"
#include "async/task_scope.h"
#include "async/timer.h"
