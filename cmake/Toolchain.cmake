# Compiler flags, linker and cache that hold for every target.

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(NACELLE_CCACHE ccache)
if(NACELLE_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${NACELLE_CCACHE})
endif()

find_program(NACELLE_MOLD mold)
if(NACELLE_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# A library that no code calls is not loaded: libhwy alone, used for its headers, measures the clock for
# 4 ms whenever a process starts, and every container starts with two.
add_link_options(-Wl,--as-needed)

add_compile_options(-Wall -Wextra -Werror -Wno-missing-field-initializers -fno-math-errno)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside inlined standard and Asio code at -O2 and above.
  add_compile_options(-Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-dangling-pointer -Wno-restrict -fcoroutines
                      # Contraction of a*b+c differs between call sites; results must not.
                      -ffp-contract=off -fpch-preprocess)
endif()

# Release keeps frame pointers and line tables: production profiles and crash reports need them.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

if(NACELLE_SANITIZE)
  add_compile_options(-fsanitize=${NACELLE_SANITIZE} -fno-omit-frame-pointer -g1 -O1)
  add_link_options(-fsanitize=${NACELLE_SANITIZE})
  if(NACELLE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=all)
  endif()
  if(NACELLE_SANITIZE MATCHES "thread")
    # Coroutine frames of Boost.Asio, with less inlining, seem to pair the wrong new and delete.
    add_compile_options(-Wno-tsan -Wno-mismatched-new-delete)
  endif()
endif()
