# nacelle_component(<name> [DEPS <component>...] [LIBS <library target>...])
#
# Makes of the folder it is called in:
#   nacelle_<name>   static library of every *.cc below it
#   <name>_test      GoogleTest program of every *_test.cc, run by ctest with the label `unit`
#   <name>_bench     Google Benchmark program of every *_bench.cc
# Files are found by pattern: a new filter, scorer or kernel is one new file and no edit here.
function(nacelle_component name)
  cmake_parse_arguments(arg "" "" "DEPS;LIBS" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cc")
  set(tests ${all})
  set(benches ${all})
  set(sources ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")

  set(links ${arg_LIBS})
  foreach(dep ${arg_DEPS})
    list(APPEND links nacelle_${dep})
  endforeach()

  if(sources)
    add_library(nacelle_${name} STATIC ${sources})
    target_include_directories(nacelle_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(nacelle_${name} PUBLIC ${links})
  else()
    add_library(nacelle_${name} INTERFACE)
    target_include_directories(nacelle_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(nacelle_${name} INTERFACE ${links})
  endif()

  if(NACELLE_TESTS AND tests)
    add_executable(${name}_test ${tests})
    target_link_libraries(${name}_test PRIVATE nacelle_${name} GTest::gtest GTest::gmock GTest::gtest_main)
    target_compile_definitions(${name}_test PRIVATE
      NACELLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" NACELLE_TESTDATA="${PROJECT_SOURCE_DIR}/tests/testdata")
    add_test(NAME unit.${name} COMMAND ${name}_test --gtest_brief=1)
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 600)
  endif()
  if(NACELLE_TESTS AND benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE nacelle_${name} benchmark::benchmark benchmark::benchmark_main)
    target_compile_definitions(${name}_bench PRIVATE
      NACELLE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" NACELLE_TESTDATA="${PROJECT_SOURCE_DIR}/tests/testdata")
  endif()
endfunction()

# nacelle_embed(<folder> <file.inc>)
#
# The *.yaml of a folder as text in the program: one literal per file, in the order of their names, in
# generated/<file.inc> of the build folder.
function(nacelle_embed folder into)
  file(GLOB texts CONFIGURE_DEPENDS "${folder}/*.yaml")
  set(table "")
  foreach(file ${texts})
    file(READ ${file} text)
    string(APPEND table "R\"PRESET(${text})PRESET\",\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/generated/${into}" CONTENT "@table@" @ONLY)
endfunction()
