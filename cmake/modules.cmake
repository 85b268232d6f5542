include(GoogleTest)

# One call per layer: its sources, its tests and the layers and libraries it stands on.
#
#   geoloom_module(raster [QUICK] [OWN_NAMES name ...] SOURCES cube.cpp ... TESTS cube_test.cpp ...
#                  DEPENDS geo gdal LIBRARIES fmt::fmt)
#
# makes the library geoloom_raster and, when tests are built, the program raster_test.
# QUICK is for code that is not where the time goes; OWN_NAMES are explained in batches.cmake. DEPENDS names
# layers; tests/layers_test.py fails on an include that goes up a layer.
function(geoloom_module name)
  cmake_parse_arguments(M "QUICK" "" "OWN_NAMES;SOURCES;TESTS;DEPENDS;LIBRARIES" ${ARGN})
  geoloom_batches(sources ${name} OWN_NAMES ${M_OWN_NAMES} SOURCES ${M_SOURCES})
  add_library(geoloom_${name} STATIC ${sources})
  target_include_directories(geoloom_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(geoloom_${name} PUBLIC ${M_LIBRARIES})
  foreach(layer ${M_DEPENDS})
    target_link_libraries(geoloom_${name} PUBLIC geoloom_${layer})
  endforeach()
  if(M_QUICK)
    geoloom_compile_quickly(geoloom_${name})
  endif()
  if(name STREQUAL "error" OR M_QUICK)  # one for each level of optimisation: GCC crashes where they differ
    geoloom_precompile(geoloom_${name} <error/precompiled.h>)
  elseif("error" IN_LIST M_DEPENDS)  # not the kernels, which know nothing but Highway
    geoloom_use_precompiled(geoloom_${name} geoloom_error)
  endif()
  if(GEOLOOM_TESTS AND M_TESTS)
    geoloom_test(${name}_test SOURCES ${M_TESTS} LIBRARIES geoloom_${name})
  endif()
endfunction()

# For code that is not where the time goes: a third less to compile than at -O3.
function(geoloom_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# A GoogleTest program whose cases are listed in ctest one by one.
function(geoloom_test name)
  cmake_parse_arguments(T "" "" "SOURCES;LIBRARIES" ${ARGN})
  geoloom_batches(sources ${name} TESTS SOURCES ${T_SOURCES})
  add_executable(${name} ${sources})
  # What the sanitizers run. The command line's parsing takes a third of their build and has little
  # that a sanitizer could find; the program as a whole runs under them in the long tests.
  if(NOT name STREQUAL "cli_test")
    add_dependencies(unit_tests ${name})
  endif()
  geoloom_compile_quickly(${name})
  target_link_libraries(${name} PRIVATE ${T_LIBRARIES} geoloom_error GTest::gtest GTest::gmock GTest::gtest_main)
  if(name STREQUAL "error_test")  # the first one
    geoloom_precompile(error_test <error/precompiled_for_tests.h>)
  else()
    geoloom_use_precompiled(${name} error_test)
  endif()
  gtest_discover_tests(${name} TEST_PREFIX "${name}/" DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS unit TIMEOUT 900)
endfunction()
